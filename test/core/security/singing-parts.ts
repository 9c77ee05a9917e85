/** What the singing program does with sessions, sagas, migrations and transactions that meet. */
import { sql } from 'kysely';
import { randomBytes } from 'node:crypto';
import {
  DatabaseProviderFactory,
  defineSaga,
  sagaMigrations,
  SagaRecords,
  SagaRunner,
  uncheckedInput,
  type DatabaseProvider,
  type Logger,
  type ProviderOptions,
  type Secret,
} from '../../../src/core/index.ts';
import { defineMigrationSet, describePlan, Migrator, planLatest } from '../../../src/core/migrate/index.ts';
import {
  RefreshTokens,
  Revocations,
  TokenKeys,
  TokenService,
  tokenMigrations,
} from '../../../src/core/security/index.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { TcpProxy } from '../../support/tcp-proxy.ts';

/** How a part prints, and what must not come out of it. */
export interface Singer {
  readonly logger: Logger;
  /** Stands for what a user or a row holds. */
  readonly parameter: string;
  readonly plaintext: string;
  readonly print: (what: string, value: unknown) => void;
  readonly fail: (what: string, work: () => unknown) => Promise<void>;
  /** Tells the test of a secret that came into being here. */
  readonly keep: (secret: Secret) => void;
}

interface Birds {
  birds: { id: string; name: string | null; songs: number; version: number };
}

/** Signs in, goes on, comes back with a used token and with an old one, and is thrown out. */
export async function singOfSessions<Tables extends Birds>(
  provider: DatabaseProvider<Tables>,
  { logger, print, fail, keep }: Singer,
): Promise<void> {
  await new Migrator(provider, tokenMigrations).latest();
  const clock = new FakeClock();
  const revocations = new Revocations(provider, { clock });
  const refreshTokens = new RefreshTokens(provider, {
    lifetime: 60_000,
    sessionLifetime: 600_000,
    revocations,
    logger,
    clock,
  });
  const service = new TokenService({
    keys: TokenKeys.of([{ kid: 'b', alg: 'HS256', secret: randomBytes(32) }]),
    algorithms: ['HS256'],
    issuer: 'birds',
    audience: 'birds',
    typ: 'at+jwt',
    maxLifetime: 60_000,
    requiredClaims: ['exp', 'iat', 'sub'],
    scopes: ['sing'],
    refreshTokens,
    revocations,
    logger,
    clock,
  });
  const pairs = [await service.signIn({ subject: 'user-1' })];
  pairs.push(await service.refresh(pairs[0]!.refresh.token));
  for (const { access, refresh } of pairs) [access.token, refresh.token].forEach(keep);
  for (const value of [revocations, refreshTokens, service, pairs]) print('sessions', value);
  const [used, last] = pairs.map(({ refresh }) => refresh.token.reveal());
  await fail('a refresh token that was used', () => service.refresh(used ?? ''));
  await fail('a refresh token of a session that has ended', () => service.refresh(last ?? ''));
  await fail('an access token of that session', () => service.verify(pairs[1]!.access.token));
  await fail('a refresh token that is none', () => service.refresh(`${last}x`));
  const late = await service.signIn({ subject: 'user-1' });
  [late.access.token, late.refresh.token].forEach(keep);
  clock.advance(70_000);
  await fail('a refresh token whose time is over', () => service.refresh(late.refresh.token));
  await fail('an access token whose time is over', () => service.verify(late.access.token));
}

/** A saga that is undone, one that is stuck, and one that is asked for by the key of another. */
export async function singOfSagas<Tables extends Birds>(
  provider: DatabaseProvider<Tables>,
  { logger, parameter, plaintext, print, fail }: Singer,
): Promise<void> {
  await new Migrator(provider, sagaMigrations).latest();
  const onEvent = (event: unknown) => print('a saga event', event);
  const make = (name: string, compensate: () => void) =>
    defineSaga({
      name,
      input: uncheckedInput<{ card: string }>(),
      steps: [
        {
          name: 'pay',
          retry: { compensationAttempts: 1 },
          run: () => ({ receipt: plaintext }),
          compensate,
        },
        { name: 'book', run: () => sql`select ${parameter} from nobody`.execute(provider.db) },
      ],
    });
  const undone = make('undone', () => undefined);
  const stuck = make('stuck', () => {
    throw new TypeError('the bank is closed');
  });
  await using runner = new SagaRunner(provider, { sagas: [undone, stuck], logger, onEvent });
  await fail('a saga that is undone', () => runner.run(undone, { card: parameter }, { idempotencyKey: 'k' }));
  await fail('a saga of another input', () =>
    runner.run(undone, { card: plaintext }, { idempotencyKey: 'k' }),
  );
  await fail('a saga that is stuck', () => runner.run(stuck, { card: parameter }));
  print('a runner', runner);
  // What somebody asks for by its id, with its input, is not among it.
  print('sagas', await new SagaRecords(provider).list());
}

/** Migrations that fail in the middle, were changed, and are planned. */
export async function singOfMigrations<Tables extends Birds>(
  provider: DatabaseProvider<Tables>,
  { parameter, plaintext, print, fail }: Singer,
): Promise<void> {
  const fill = async (name: string): Promise<void> => {
    await sql`insert into nests (name) values (${parameter}), (${name})`.execute(provider.db);
  };
  const make = (second: string) =>
    defineMigrationSet({
      name: 'nests',
      migrations: [
        {
          name: '0001-nests',
          up: (db) =>
            db.schema
              .createTable('nests')
              .addColumn('name', 'text', (c) => c.unique())
              .execute(),
          down: (db) => db.schema.dropTable('nests').execute(),
        },
        {
          name: '0002-fill',
          up: async (db) =>
            void (await sql`insert into nests values (${parameter}), (${second})`.execute(db)),
          down: () => Promise.resolve(),
        },
      ],
    });
  const failing = make(parameter);
  print('a plan', describePlan(await planLatest(provider, [failing])));
  await fail('a migration that fails', () => new Migrator(provider, failing).latest());
  const good = make(plaintext);
  print('a report', await new Migrator(provider, good).latest());
  await fail('a value that is there', () => fill(plaintext));
  const [first] = good.migrations;
  const shortened = defineMigrationSet({ name: 'nests', migrations: first === undefined ? [] : [first] });
  await fail('a history that does not fit', () => new Migrator(provider, shortened).latest());
  print('a verification', await new Migrator(provider, good).verify());
}

/** Transactions that meet, and a line that breaks when a write was sent. For Postgres. */
export async function singOfMeetings<Tables extends Birds>(
  provider: DatabaseProvider<Tables>,
  connection: { readonly url: string; readonly options: ProviderOptions<Birds> },
  { parameter, fail }: Singer,
): Promise<void> {
  const birds = provider as unknown as DatabaseProvider<Birds>;
  const ids = [crypto.randomUUID(), crypto.randomUUID()];
  await birds.db
    .insertInto('birds')
    .values(ids.map((id) => ({ id, name: `${parameter} ${id}`, songs: 1, version: 1 })))
    .execute();
  const rename = (db: Pick<typeof birds.db, 'updateTable'>, id: string | undefined) =>
    db
      .updateTable('birds')
      .set({ name: `${parameter} ${id} again` })
      .where('id', '=', id ?? '')
      .execute();

  await fail('a snapshot that is too old', async () => {
    const [read, written] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const late = birds.transaction(
      async (tx) => {
        await tx.selectFrom('birds').select('id').execute();
        read.resolve();
        await written.promise;
        await rename(tx, ids[0]);
      },
      { isolation: 'repeatable read' },
    );
    late.catch(() => undefined);
    await read.promise;
    await rename(birds.db, ids[0]);
    written.resolve();
    await late;
  });
  await fail('two that wait for each other', async () => {
    const both = Promise.withResolvers<void>();
    let locked = 0;
    const lock = (first: string | undefined, second: string | undefined) =>
      birds.transaction(async (tx) => {
        await rename(tx, first);
        locked += 1;
        if (locked === 2) both.resolve();
        await both.promise;
        await rename(tx, second);
      });
    const outcomes = await Promise.allSettled([lock(ids[0], ids[1]), lock(ids[1], ids[0])]);
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
  });
  await fail('an answer that is lost', async () => {
    const proxy = await TcpProxy.listen(connection.url);
    const far = DatabaseProviderFactory.createProvider<Birds>(
      proxy.urlOf(connection.url),
      connection.options,
    );
    try {
      await sql`select 1`.execute(far.db);
      proxy.cutReplyTo('canary-cut');
      await far.db
        .insertInto('birds')
        .values({ id: crypto.randomUUID(), name: `${parameter} canary-cut`, songs: 1, version: 1 })
        .execute();
    } finally {
      await far.close();
      await proxy.close();
    }
  });
}
