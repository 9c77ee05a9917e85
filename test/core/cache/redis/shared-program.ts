/** What other processes do in the tests of shared stores. */
import { cached, postgresBus, redisClient, type RedisClient } from '../../../../src/core/cache/index.ts';
import { Outbox } from '../../../../src/core/outbox/index.ts';
import { peopleOf } from '../cached-fixture.ts';
import { gateReads } from '../gated-reads.ts';
import { rowOf, stress } from '../stress-process.ts';
import { listening, makeClient, openShared, settled, type SharedDatabase } from './redis-fixture.ts';

let isArmed = false;
const [work, url = '', redisUrl = '', prefix = '', ...rest] = process.argv.slice(2);

if (work === 'check') {
  const [own, other, count] = rest.map(Number);
  const report = await stress(url, own!, other!, count!, async () => {
    const opened = await openShared(url, redisUrl, { prefix, isNew: false });
    await listening(opened);
    return opened;
  });
  console.log(JSON.stringify(report));
} else if (work === 'stampede') {
  const opened = await openShared(url, redisUrl, { prefix, isNew: false });
  await listening(opened);
  const gated = gateReads(opened.provider);
  const people = cached(peopleOf(gated.provider as never), { cache: opened.cache, jitter: 0 });
  console.log('ready');
  await new Promise((resolve) => process.stdin.once('data', resolve));
  // What is read arrives late, so that all callers of both processes ask meanwhile.
  const letGo = gated.close();
  setTimeout(letGo, 500);
  const found = await Promise.all(Array.from({ length: 1_000 }, () => people.getById(rowOf(0))));
  await settled(opened.redis);
  console.log(
    JSON.stringify({ loads: gated.sent, answers: found.filter(({ id }) => id === rowOf(0)).length }),
  );
  process.stdin.destroy();
  await opened.close();
} else {
  // It dies right behind its COMMIT, when it is about to tell the server.
  const opened: SharedDatabase = await openShared(url, dyingClient(redisUrl), {
    prefix,
    isNew: false,
    ...(work === 'die-on-bus'
      ? { bus: (provider) => postgresBus(provider) }
      : {
          cache: {
            uncached: ['outbox_messages', 'outbox_keys'],
            journal: (slots) => [outbox.compile({ topic: 'cache.moved', payload: { slots } })],
          },
        }),
  });
  const outbox = new Outbox(opened.provider);
  await listening(opened);
  const person = await opened.plainPeople.getById(rowOf(0));
  isArmed = true;
  await opened.people.update({ ...person, name: 'written by the dead' });
}

function dyingClient(address: string): RedisClient {
  const client = redisClient(makeClient(address));
  return {
    connect(onEnd) {
      const connection = client.connect(onEnd);
      return {
        ...connection,
        call(command, args) {
          if (isArmed && args.includes(`${prefix}:moves`)) process.kill(process.pid, 'SIGKILL');
          return connection.call(command, args);
        },
      };
    },
  };
}
