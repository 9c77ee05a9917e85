/** Check C26: a cache on another server is as safe as the database. */
import { Redis } from 'ioredis';
import { expect } from 'chai';
import { MemoryStore, redisClient, RedisStore, TieredStore } from '../../../../src/core/cache/index.ts';
import { redisScripts } from '../../../../src/core/cache/redis/redis-script.ts';
import { ValidationError } from '../../../../src/core/index.ts';
import { FieldCipher, generateKey, KeyRing } from '../../../../src/core/security/index.ts';
import { canMakeCertificates, CertificateAuthority } from '../../../support/certificates.ts';
import { makeTestDatabase } from '../../../support/database.ts';
import {
  describeOnOwnRedis,
  freePort,
  freshPrefix,
  OwnRedis,
  tlsObstacle,
  withRedis,
} from '../../../support/redis-server.ts';
import { reportNotRun } from '../../../support/reporter.ts';
import { makeTempDirectory } from '../../../support/temp-directory.ts';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makePerson } from '../cached-fixture.ts';
import { listening, openShared, settled, type SharedOptions } from './redis-fixture.ts';

describeOnOwnRedis('a shared cache is as safe as the database (C26)', () => {
  const database = makeTestDatabase('sqlite-file');
  let server: OwnRedis;
  let url: string;
  let prefix: string;

  before(async () => {
    server = await OwnRedis.start();
  });

  beforeEach(async () => {
    url = await database.freshUrl();
    prefix = freshPrefix();
  });

  after(async () => {
    await server.kill();
    await database.cleanup();
  });

  const open = async (options: Partial<SharedOptions> = {}, client: string | object = server.url) => {
    const opened = await openShared(url, client, { prefix, ...options });
    await listening(opened);
    return opened;
  };
  const redis = <Result>(work: Parameters<typeof withRedis<Result>>[1]) => withRedis(server.url, work);
  /** All that the server holds of a prefix. */
  const held = () =>
    redis(async (client) => {
      const entries = new Map<string, string>();
      for (const key of await client.keys(`${prefix}:people:*`)) entries.set(key, (await client.get(key))!);
      return entries;
    });

  it('what is sensitive never leaves the process', async () => {
    const opened = await open({ terms: { sensitive: true } });
    const person = await opened.people.insert(makePerson({ name: 'a private name' }));
    await opened.people.getById(person.id);
    await opened.people.findMany({ email: person.email });
    await settled(opened.redis);
    opened.sent();
    expect(await opened.people.getById(person.id)).to.deep.equal(person);
    expect(opened.sent(), 'kept in memory').to.equal(0);
    expect(await held()).to.deep.equal(new Map());
    await opened.close();
  });

  it('what is sealed is read by nobody else, and opens in its place alone', async () => {
    const seal = new FieldCipher(KeyRing.of([generateKey()]));
    const store = { seal, timeLimit: 1_000 };
    const opened = await open({ store, isTiered: false });
    const people = ['a private name', 'another'].map((name) => makePerson({ name }));
    await opened.people.insertMany(people);
    for (const { id } of people) await opened.people.getById(id);
    await settled(opened.redis);
    const entries = await held();
    for (const [key, text] of entries) {
      for (const { name, email, id } of people) {
        for (const plain of [name, email, id]) expect(`${key} ${text}`).to.not.include(plain);
      }
    }
    const { poisoned, hits } = opened.redis.stats();
    for (const person of people) expect(await opened.people.getById(person.id)).to.deep.equal(person);
    expect(opened.redis.stats()).to.include({ hits: hits + 2, poisoned });
    // Each has the payload of another one, behind its own header, which says the same.
    const texts = [...entries.values()].map((text) => text.slice(text.indexOf('\n') + 1));
    await redis(async (client) => {
      for (const [at, [key, text]] of [...entries].entries()) {
        const moved = texts[(at + 1) % texts.length]!;
        await client.set(key, text.slice(0, text.indexOf('\n') + 1) + moved, 'PX', 10_000);
      }
    });
    for (const person of people) expect(await opened.people.getById(person.id)).to.deep.equal(person);
    expect(opened.redis.stats().poisoned).to.equal(poisoned + 2);
    await opened.close();
    // Another key, or none, opens nothing.
    const others = [{ seal: new FieldCipher(KeyRing.of([generateKey()])) }, {}];
    for (const other of others) {
      const stranger = await open({ store: { ...other, timeLimit: 1_000 }, isTiered: false, isNew: false });
      for (const person of people) expect(await stranger.people.getById(person.id)).to.deep.equal(person);
      expect(stranger.redis.stats()).to.include({ poisoned: 2, hits: 0 });
      await settled(stranger.redis);
      await stranger.close();
    }
  });

  it('an older payload does not open under newer stamps', async () => {
    const seal = new FieldCipher(KeyRing.of([generateKey()]));
    const opened = await open({ store: { seal, timeLimit: 1_000 }, isTiered: false });
    const person = await opened.people.insert(makePerson());
    await opened.people.getById(person.id);
    await settled(opened.redis);
    const before = await held();
    const written = await opened.people.update({ ...person, name: 'later' });
    await opened.people.getById(person.id);
    await settled(opened.redis);
    const after = await held();
    for (const [key, text] of after) {
      const old = before.get(key)!;
      const replayed = text.slice(0, text.indexOf('\n')) + old.slice(old.indexOf('\n'));
      await redis((client) => client.set(key, replayed, 'PX', 10_000));
    }
    expect(await opened.people.getById(person.id)).to.deep.equal(written);
    await opened.close();
  });

  it('a user of the server that may reach one prefix alone suffices, and has it for itself', async () => {
    const rules = [
      `~${prefix}:*`,
      `&${prefix}:*`,
      '+@read',
      '+@write',
      '+@scripting',
      '+@pubsub',
      '+@connection',
      '-@dangerous',
      '+info',
      '+time',
    ];
    await redis((client) =>
      client.call('ACL', 'SETUSER', 'tenant', 'reset', 'on', '>a-long-password', ...rules),
    );
    const client = new Redis(server.url, {
      username: 'tenant',
      password: 'a-long-password',
      lazyConnect: true,
    });
    const opened = await open({ isTiered: false }, client);
    const person = await opened.people.insert(makePerson());
    await opened.people.getById(person.id);
    await settled(opened.redis);
    opened.sent();
    expect(await opened.people.getById(person.id)).to.deep.equal(person);
    expect(opened.sent()).to.equal(0);
    await opened.close();
    const tenant = prefix;
    prefix = freshPrefix();
    const stranger = await openShared(url, client, { prefix, isNew: false, isTiered: false });
    expect(await stranger.people.getById(person.id)).to.deep.equal(person);
    await stranger.redis.ready(200);
    expect(await stranger.people.getById(person.id)).to.deep.equal(person);
    expect(await held(), 'beyond its prefix').to.deep.equal(new Map());
    await stranger.close();
    prefix = tenant;
  });

  it('no input becomes a part of a script', async () => {
    const sent: string[] = [];
    const client = new Redis(server.url, { lazyConnect: true });
    const watched = { connect: (onEnd: () => void) => watch(client, onEnd) };
    const watch = (pattern: Redis, onEnd: () => void) => {
      const connection = redisClient(pattern).connect(onEnd);
      return {
        ...connection,
        call(command: string, args: readonly string[]) {
          if (command.startsWith('EVAL')) sent.push(args[0]!);
          return connection.call(command, args);
        },
      };
    };
    const opened = await open({}, watched);
    const person = await opened.people.insert(makePerson({ name: "'] redis.call('FLUSHALL') --" }));
    await opened.people.getById(person.id);
    await opened.people.findMany({ name: person.name });
    await settled(opened.redis);
    const texts: readonly string[] = Object.values(redisScripts);
    for (const text of sent) expect(texts.includes(text) || /^[0-9a-f]{40}$/.test(text)).to.equal(true);
    expect(new Set(sent).size).to.be.at.most(2 * texts.length);
    await opened.close();
  });

  const obstacle = canMakeCertificates() ? tlsObstacle() : 'no openssl on PATH';
  if (obstacle === undefined) {
    it('TLS and passwords are those of the client', async function () {
      this.timeout(20_000);
      const authority = new CertificateAuthority('cache');
      const { cert, key } = authority.issue();
      const folder = makeTempDirectory('redis-tls');
      const files = { 'tls-cert-file': cert, 'tls-key-file': key, 'tls-ca-cert-file': authority.certificate };
      const args: string[] = [];
      for (const [name, text] of Object.entries(files)) {
        writeFileSync(join(folder, name), text);
        args.push(`--${name}`, join(folder, name));
      }
      const port = await freePort();
      const secure = await OwnRedis.start([
        ...args,
        '--tls-port',
        `${port}`,
        '--tls-auth-clients',
        'no',
        '--requirepass',
        'a-long-password',
      ]);
      const options = { host: 'localhost', port, password: 'a-long-password', lazyConnect: true };
      const trusted = await open({}, new Redis({ ...options, tls: { ca: authority.certificate } }));
      expect(trusted.redis.stats().isUp).to.equal(true);
      await trusted.close();
      const distrusting = await openShared(url, new Redis({ ...options, tls: {} }), { prefix, isNew: false });
      expect(await distrusting.redis.ready(300)).to.equal(false);
      await distrusting.close();
      await secure.kill();
    });
  } else reportNotRun('redis', `TLS of a shared cache: ${obstacle}`);
});

describe('a store on a server', () => {
  it('refuses bad options, with every fault at once', () => {
    const options = {
      timeLimit: 4,
      maxBytes: 1,
      lock: 1,
      lockWait: 0,
      lockTime: 1.5,
      heartbeat: 1,
      seal: {},
      onEvent: 1,
    };
    const client = new Redis({ lazyConnect: true });
    try {
      expect(new RedisStore(client, options as never)).to.equal(undefined);
    } catch (error) {
      expect(error).to.be.instanceOf(ValidationError);
      expect((error as ValidationError).issues.map(({ path }) => path[0])).to.have.members(
        Object.keys(options),
      );
    }
    expect(new TieredStore(new MemoryStore(), new RedisStore(client)).stats().entries).to.equal(0);
  });
});
