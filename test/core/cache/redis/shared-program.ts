/** What other processes do in the tests of shared stores. */
import type { CompiledQuery, Kysely } from 'kysely';
import { cached, postgresBus, redisClient, type RedisClient } from '../../../../src/core/cache/index.ts';
import { createUuidSource } from '../../../../src/core/domain/uuid.ts';
import { peopleOf, type CachedTables } from '../cached-fixture.ts';
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
  const newId = createUuidSource({ now: Date.now } as never);
  const opened: SharedDatabase = await openShared(url, dyingClient(redisUrl), {
    prefix,
    isNew: false,
    ...(work === 'die-on-bus'
      ? { bus: (provider) => postgresBus(provider) }
      : {
          cache: {
            uncached: ['outbox_messages', 'outbox_keys'],
            journal: (slots) => [noteOf(opened.provider.db, newId(), slots)],
          },
        }),
  });
  await listening(opened);
  const person = await opened.plainPeople.getById(rowOf(0));
  isArmed = true;
  await opened.people.update({ ...person, name: 'written by the dead' });
}

/** What an Outbox would publish, as one statement. */
function noteOf(db: Kysely<CachedTables>, id: string, slots: readonly number[]): CompiledQuery {
  const note = {
    id,
    topic: 'cache.moved',
    key: null,
    seq: null,
    payload: JSON.stringify({ slots }),
    headers: '{}',
  };
  const state = { created_at: Date.now(), attempts: 0, available_at: 0, fence: 0, lease_beat: 0 };
  return (db as unknown as Kysely<Record<string, Record<string, unknown>>>)
    .insertInto('outbox_messages')
    .values({ ...note, ...state })
    .compile();
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
