/**
 * Does much of what an application does, and most of what can go wrong in it, with canaries in the place of every
 * secret and of every value. It prints whatever the library hands out, in every way in which a program may print it,
 * and ends with an error that nobody catches. The test looks for canaries in what came out.
 */
import { sql } from 'kysely';
import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { inspect } from 'node:util';
import {
  DatabaseProviderFactory,
  databaseConfigFromEnv,
  isLiminalDataError,
  parseDatabaseConfig,
  prepare,
  readSecret,
  Repository,
  Secret,
  UnitOfWork,
  type DatabaseConfigInput,
  type DatabaseProvider,
  type Logger,
  type Param,
  type ProviderOptions,
} from '../../../src/core/index.ts';
import {
  BlindIndex,
  FieldCipher,
  KeyRing,
  openKeyRing,
  openLegacySecret,
  TokenKeys,
  TokenService,
} from '../../../src/core/security/index.ts';

import {
  singOfMeetings,
  singOfMigrations,
  singOfSagas,
  singOfSessions,
  type Singer,
} from './singing-parts.ts';

interface Canaries {
  readonly password: string;
  readonly key: string;
  readonly plaintext: string;
  readonly parameter: string;
  readonly token: string;
}

interface Bird {
  id: string;
  name: string | null;
  nest: string | null;
  songs: number;
  version: number;
}

interface Tables {
  birds: Bird;
}

const {
  password,
  key,
  plaintext,
  parameter,
  token: tokenSecret,
} = JSON.parse(process.env['CANARIES'] ?? '') as Canaries;
const database = JSON.parse(process.argv[2] ?? '') as DatabaseConfigInput & {
  readonly type: string;
  readonly connection: object;
};
const columns = { id: 'uuid', name: 'text?', nest: 'uuid?', songs: 'integer', version: 'integer' } as const;
const codes = new Set<string>();

/** As a log, a debugger, a crash report and a careless colleague would print it. */
function print(what: string, value: unknown): void {
  console.log(what, value);
  console.log(inspect(value, { depth: 10, showHidden: true, getters: true }));
  console.log(String(value), JSON.stringify(value));
  if (!(value instanceof Error)) return;
  console.error(value);
  const own = Object.getOwnPropertyNames(value).map((name) => [name, (value as never)[name]]);
  console.log(
    value.message,
    value.stack,
    inspect(own, { depth: 10, customInspect: false, showHidden: true }),
  );
  if (isLiminalDataError(value)) codes.add(value.code);
  if (value.cause !== undefined) print(`${what}: cause`, value.cause);
}

async function fail(what: string, work: () => unknown): Promise<void> {
  try {
    await work();
  } catch (error) {
    print(what, error);
    return;
  }
  throw new Error(`It was to fail, and did not: ${what}`);
}

const logger = Object.fromEntries(
  (['debug', 'info', 'warn', 'error'] as const).map((level) => [
    level,
    (fields: unknown, message: string) => print(`${level}: ${message}`, fields),
  ]),
) as unknown as Logger;

const options: ProviderOptions<Tables> = {
  logger,
  onPoolEvent: (event) => print('pool event', event),
  onStatement: (event) => print('statement', event),
};

const made: string[] = [];
const singer: Singer = {
  logger,
  parameter,
  plaintext,
  print,
  fail,
  keep: (secret) => made.push(secret.reveal()),
};

function urlOf({ connection }: typeof database): string {
  const { host, port, database: name, user } = connection as unknown as Readonly<Record<string, string>>;
  return `postgres://${user}:${password}@${host}:${port}/${name}`;
}

async function sing(provider: DatabaseProvider<Tables>): Promise<void> {
  const { db } = provider;
  const t = provider.migrations.columns.table('birds');
  await db.schema
    .createTable('birds')
    .addColumn('id', t.uuid('id'), (column) => column.primaryKey().notNull())
    .addColumn('name', t.text('name'), (column) => column.notNull().unique())
    .addColumn('nest', t.uuid('nest'), (column) => column.references('birds.id'))
    .addColumn('songs', t.integer('songs'), (column) => column.notNull().check(sql`songs < 100`))
    .addColumn('version', t.counter('version', 1), (column) => column.notNull())
    .execute();
  const birds = new Repository<Tables, 'birds', Bird>(provider, {
    table: 'birds',
    key: 'id',
    version: 'version',
    columns,
    mapper: { fromRow: (row) => ({ ...row }), toRow: (bird) => bird },
  });
  const bird = (more: Partial<Bird> = {}): Bird => ({
    id: randomUUID(),
    name: `${parameter} ${randomUUID()}`,
    nest: null,
    songs: 1,
    version: 1,
    ...more,
  });
  const first = bird();
  await birds.insert(first);
  const values = (more: Partial<Bird>) => db.insertInto('birds').values(bird(more)).execute();
  await fail('unique', () => birds.insert(bird({ name: first.name })));
  await fail('unique by plain Kysely', () => values({ name: first.name }));
  await fail('foreign key', () => values({ nest: randomUUID() }));
  await fail('not null', () => values({ name: null }));
  await fail('check', () => values({ songs: 100 }));
  await fail('no such table', () =>
    db
      .selectFrom('nobody' as 'birds')
      .where('name', '=', parameter)
      .selectAll()
      .execute(),
  );
  await fail('no such function', () => sql`select no_such_function(${parameter})`.execute(db));
  await fail('syntax', () => sql`selec ${parameter}`.execute(db));
  await fail('a value of another kind', () =>
    sql`select ${parameter}::integer + json_extract(${parameter}, '$')`.execute(db),
  );
  await fail('a value that is no parameter', () =>
    values({ name: { secret: parameter } as unknown as string }),
  );
  await fail('half a character', () => birds.insert(bird({ name: `${parameter}\ud800` })));
  await fail('stale', () => birds.update({ ...first, version: 7 }));
  await fail('not found', () => birds.getById(randomUUID()));
  await fail('a filter', () =>
    birds.findMany({ name: { eq: { of: parameter } }, songs: parameter } as never),
  );
  await fail('an order', () =>
    birds.page({}, { orderBy: [[parameter as 'name', 'asc']] as never, limit: 1 }),
  );
  await fail('a cursor', () => birds.page({}, { after: parameter, limit: 1 }));
  await fail('unreadable', async () => {
    const broken = new Repository<Tables, 'birds', Bird>(provider, {
      table: 'birds',
      key: 'id',
      version: 'version',
      columns,
      mapper: {
        fromRow: (row) => {
          throw new TypeError(`no bird of length ${(row.name ?? '').length}`);
        },
        toRow: (each) => each,
      },
    });
    await broken.findMany({});
  });
  const named = prepare(provider, (handle, param: Param<{ name: string }>) =>
    handle.selectFrom('birds').selectAll().where('name', '=', param('name')),
  );
  await fail('a prepared query without its parameter', () => named.execute({ nam: parameter } as never));
  const units = new UnitOfWork(provider, { repositories: {} });
  await fail('a unit that fails', () =>
    units.run(async (unit) => {
      await unit.db.insertInto('birds').values(bird()).execute();
      await unit.db
        .insertInto('birds')
        .values(bird({ name: first.name }))
        .execute();
    }),
  );
  await fail('a unit that takes too long', () =>
    units.run(() => Promise.withResolvers<void>().promise, { timeout: 20 }),
  );
  let late: typeof db | undefined;
  await provider.transaction((tx) => {
    late = tx as unknown as typeof db;
    return Promise.resolve();
  });
  await fail('after the end', () => late?.insertInto('birds').values(bird()).execute());
  if (provider.type === 'postgres') {
    await fail('cast', () => sql`select ${parameter}::int`.execute(db));
    await fail('json', () => sql`select ${parameter}::jsonb`.execute(db));
    await fail('raised', () => sql`select xmlparse(document ${parameter})`.execute(db));
    await fail('statement timeout', () => sql`select pg_sleep(5), ${parameter}::text`.execute(db));
    await fail('connection lost', () =>
      sql`select pg_terminate_backend(pg_backend_pid()), ${parameter}::text`.execute(db),
    );
  }
  print('stats', provider.stats());
  await seal(db, first.id);
  await singOfSessions(provider, singer);
  await singOfSagas(provider, singer);
  await singOfMigrations(provider, singer);
  if (provider.type === 'postgres') await singOfMeetings(provider, { url: urlOf(database), options }, singer);
  await provider.close();
  await fail('closed', () => values({}));
}

async function seal(db: DatabaseProvider<Tables>['db'], id: string): Promise<void> {
  const ring = KeyRing.fromEnv({ LIMINAL_ENCRYPTION_KEY: `canary:${key}` });
  const cipher = new FieldCipher(ring, { logger, sealLimit: 2 });
  const index = new BlindIndex(ring, { table: 'birds', column: 'name' });
  const place = { table: 'birds', column: 'name', row: id };
  const envelope = cipher.seal(plaintext, place);
  const opened = cipher.open(envelope, place);
  for (const value of [
    ring,
    ring.find('canary'),
    cipher,
    index,
    envelope,
    opened,
    cipher.stats(),
    index.of(plaintext),
  ]) {
    print('sealed', value);
  }
  await db.updateTable('birds').set({ name: envelope }).where('id', '=', id).execute();
  await fail('elsewhere', () => cipher.open(envelope, { ...place, row: 'other' }));
  await fail('what is not sealed', () => cipher.open(plaintext, place));
  await fail('unknown key', () => ring.find(key));
  await fail('no text', () => cipher.seal(`${plaintext}\ud800`, place));
  cipher.seal(plaintext, place);
  await fail('exhausted', () => cipher.seal(plaintext, place));
  await fail('the same key twice', () => KeyRing.fromEnv({ LIMINAL_ENCRYPTION_KEY: `a:${key},b:${key}` }));
  await fail('half a key', () => KeyRing.fromEnv({ LIMINAL_ENCRYPTION_KEY: `a:${key.slice(0, 40)}` }));
  await fail('a key as a file', () =>
    KeyRing.fromEnv({ LIMINAL_ENCRYPTION_KEY_FILE: key.replaceAll('/', '_') }),
  );
  await fail('a provider', () =>
    openKeyRing(
      { wrap: () => Promise.reject(new Error(key)), unwrap: () => Promise.reject(new Error(key)) },
      [{ id: 'a', wrapped: 'x' }],
      { attempts: 1 },
    ),
  );
  await fail('a source', () => readSecret(() => Promise.reject(new Error(password))));
  await fail('a legacy value', () => openLegacySecret(plaintext, Buffer.from(key, 'base64')));
}

async function refuseTokens(): Promise<void> {
  const service = new TokenService({
    keys: TokenKeys.of([{ kid: 'a', alg: 'HS256', secret: Buffer.from(tokenSecret, 'base64url') }]),
    algorithms: ['HS256'],
    issuer: 'birds',
    audience: 'birds',
    typ: 'at+jwt',
    maxLifetime: 60_000,
    requiredClaims: ['exp', 'iat', 'sub'],
    scopes: ['sing'],
    logger,
  });
  print('token service', service);
  print('token keys', service.keys);
  const { token } = await service.issue({ subject: parameter, lifetime: 60_000 });
  const text = String(token instanceof Secret ? token.reveal() : token);
  const [head = '', body = '', signature = ''] = text.split('.');
  await fail('a token of few rights', () => service.verify(text, { scopes: ['sing'] }));
  await fail('a token of another one', () => service.verify(`${head}.${body}.${signature.toLowerCase()}`));
  await fail('a token in another form', () => service.verify(` ${text}`));
  await fail('no token', () => service.verify(tokenSecret));
  await fail('a weak secret', () =>
    TokenKeys.of([{ kid: tokenSecret, alg: 'HS256', secret: new Secret(parameter.slice(0, 30)) }]),
  );
}

async function failToStart(): Promise<void> {
  const here = `postgres://app:${password}@127.0.0.1:1/none`;
  await fail('nobody there', async () => {
    const provider = DatabaseProviderFactory.createProvider(here, options);
    try {
      await sql`select ${parameter}`.execute(provider.db);
    } finally {
      await provider.close();
    }
  });
  await fail('a bad URL', () => parseDatabaseConfig(`${here}?nonsense=${password}`));
  await fail('a bad variable', () =>
    databaseConfigFromEnv({ DATABASE_URL: `${here}#`, DATABASE_PASSWORD: password }),
  );
  print('config', parseDatabaseConfig(here));
  print('secret', new Secret(password));
}

await failToStart();
await refuseTokens();
const provider = DatabaseProviderFactory.createProvider<Tables>(database, options);
await sing(provider);
// Its log is the console's.
const talkative = DatabaseProviderFactory.createProvider<Tables>({
  ...(parseDatabaseConfig(database) as object),
  debug: true,
} as never);
await sql`drop table if exists birds`.execute(talkative.db);
await sql`select cast(${parameter} as text) as name`.execute(talkative.db);
await sql`select ${parameter} from nobody`
  .execute(talkative.db)
  .catch((error: unknown) => print('debug', error));
console.log(`codes: ${[...codes].sort().join(' ')}`);
// The test looks for these as well.
writeFileSync(process.env['MADE_SECRETS'] ?? '', JSON.stringify(made), { mode: 0o600 });
process.once('exit', () => console.log('the end'));
await sql`select ${parameter} from nobody`.execute(talkative.db);
