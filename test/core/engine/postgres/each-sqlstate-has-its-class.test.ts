import { expect } from 'chai';
import fc from 'fast-check';
import { sql } from 'kysely';
import { inspect } from 'node:util';
import { translatePostgresError } from '../../../../src/core/engine/postgres/postgres-errors.ts';
import {
  CheckViolationError,
  ConnectionError,
  DatabaseBusyError,
  DeadlockError,
  ForeignKeyViolationError,
  NotNullViolationError,
  QueryCancelledError,
  QueryError,
  ReadOnlyDatabaseError,
  SerializationFailureError,
  StatementTimeoutError,
  TransactionAbortedError,
  UniqueViolationError,
  outside,
  type ConstraintViolationError,
  type DatabaseProvider,
} from '../../../../src/core/index.ts';
import { rejectionOf } from '../../../support/rejection.ts';
import { until } from '../../../support/until.ts';
import { describeOnPostgres, type Tables } from './postgres-harness.ts';

/** Which codes are retried, and which never: faults.md, section 1c. */
const table: readonly [code: string | undefined, className: string, retryable: boolean][] = [
  ['23505', 'UniqueViolationError', false],
  ['23P01', 'UniqueViolationError', false],
  ['23503', 'ForeignKeyViolationError', false],
  ['23001', 'ForeignKeyViolationError', false],
  ['23502', 'NotNullViolationError', false],
  ['23514', 'CheckViolationError', false],
  ['23000', 'QueryError', false],
  ['40001', 'SerializationFailureError', true],
  ['40P01', 'DeadlockError', true],
  ['55P03', 'DatabaseBusyError', true],
  ['25P02', 'TransactionAbortedError', false],
  ['25006', 'ReadOnlyDatabaseError', false],
  ['57014', 'QueryCancelledError', false],
  ['53100', 'DiskFullError', false],
  ['53200', 'QueryError', false],
  ['53300', 'ConnectionError', true],
  ['58030', 'QueryError', false],
  ['XX001', 'CorruptDatabaseError', false],
  ['XX002', 'CorruptDatabaseError', false],
  ['XX000', 'QueryError', false],
  ['57P01', 'ConnectionError', true],
  ['57P02', 'ConnectionError', true],
  ['57P03', 'ConnectionError', true],
  ['57P05', 'ConnectionError', true],
  ['25P03', 'ConnectionError', true],
  ['08000', 'ConnectionError', true],
  ['08006', 'ConnectionError', true],
  ['28000', 'ConnectionError', true],
  ['28P01', 'ConnectionError', true],
  // Of a statement; where a connection is opened it is a ConnectionError all the same.
  ['3D000', 'QueryError', false],
  ['08P01', 'QueryError', false],
  ['ECONNREFUSED', 'ConnectionError', true],
  ['ECONNRESET', 'ConnectionError', true],
  ['EPIPE', 'ConnectionError', true],
  ['ENOTFOUND', 'ConnectionError', true],
  ['ETIMEDOUT', 'ConnectionError', true],
  ['DEPTH_ZERO_SELF_SIGNED_CERT', 'ConnectionError', true],
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'ConnectionError', true],
  ['ERR_TLS_CERT_ALTNAME_INVALID', 'ConnectionError', true],
  ['22P02', 'QueryError', false],
  ['42601', 'QueryError', false],
  ['42P01', 'QueryError', false],
  ['P0001', 'QueryError', false],
  ['ERR_INVALID_ARG_TYPE', 'QueryError', false],
  [undefined, 'QueryError', false],
];

describe('each SQLSTATE has its class', () => {
  for (const [code, name, retryable] of table) {
    it(`${code ?? 'none'} is a ${name}${retryable ? ', to be retried' : ''}`, () => {
      const error = translatePostgresError(Object.assign(new Error('as the server says'), { code }));
      expect(error).to.include({ name, retryable });
    });
  }

  it('57014 after the whole of statementTimeout is a StatementTimeoutError', () => {
    const error = translatePostgresError(Object.assign(new Error('cancelled'), { code: '57014' }), {
      timedOut: true,
    });
    expect(error).to.be.instanceOf(StatementTimeoutError);
  });

  it('whatever was thrown, an error of this library comes back, and itself where it is one', () => {
    fc.assert(
      fc.property(fc.anything(), (thrown) => {
        const error = translatePostgresError(thrown);
        expect(translatePostgresError(error)).to.equal(error);
      }),
    );
  });

  it('what repeats a row or a parameter never gets through', () => {
    const canary = 'c4nary';
    const secretive = fc.record({
      code: fc.constantFrom(...table.map(([code]) => code)),
      detail: fc.constantFrom(`Key (email)=(${canary}) already exists.`, `Failing row contains (${canary}).`),
      where: fc.constant(`unnamed portal parameter $1 = '${canary}'`),
      hint: fc.constant(canary),
      internalQuery: fc.constant(canary),
      parameters: fc.constant([canary]),
      query: fc.constant(canary),
      client: fc.constant({ password: canary }),
    });
    const pointing = fc.constantFrom({}, { position: '8', where: `invalid type name "${canary}"` });
    fc.assert(
      fc.property(secretive, pointing, (fields, place) => {
        // What Node says and what a RAISE says is not the server's; 08P01 counts parameters and shows none.
        const keepsMessage = fields.code === 'P0001' || fields.code === '08P01';
        const repeats = !keepsMessage && /^[0-9X].{4}$/.test(fields.code ?? '');
        const message = repeats ? `invalid input syntax: "${canary}"` : 'as the server says';
        const error = translatePostgresError(Object.assign(new Error(message), fields, place));
        expect(inspect(error, { depth: 20, showHidden: true })).not.to.contain(canary);
      }),
    );
  });

  it('the columns of a key are read whatever the language, the quotes and the value', () => {
    const column = fc.stringMatching(/^[a-z_][a-z0-9_]{0,8}$/);
    const quoted = fc.stringMatching(/^[A-Z "(,)=]{1,8}$/);
    const named = fc.oneof(
      column.map((name) => ({ name, written: name })),
      quoted.map((name) => ({ name, written: `"${name.replaceAll('"', '""')}"` })),
    );
    fc.assert(
      fc.property(fc.array(named, { minLength: 1, maxLength: 4 }), fc.string(), (columns, value) => {
        const list = columns.map(({ written }) => written).join(', ');
        const detail = `Schlüssel »(${list})=(${value})« existiert bereits.`;
        const error = translatePostgresError(Object.assign(new Error(''), { code: '23505', detail }));
        expect((error as ConstraintViolationError).columns).to.deep.equal(columns.map(({ name }) => name));
      }),
    );
  });
});

describeOnPostgres('what the server says has its class', (postgres) => {
  it('constraints name table, constraint and columns', async () => {
    const provider = await postgres.open();
    await provider.exec('create extension if not exists btree_gist').catch(() => 0);
    await provider.exec(
      `create table parents ("Odd, Name" integer, a text not null, b integer check (b > 0) primary key, unique ("Odd, Name", a))`,
    );
    await provider.exec(`create table children (b integer references parents (b) on delete restrict)`);
    await provider.exec(`create table spans (during int4range, exclude using gist (during with &&))`);
    await provider.exec(`insert into parents values (1, 'x', 1)`);
    await provider.exec(`insert into children values (1)`);
    await provider.exec(`insert into spans values ('[1,5)')`);

    const unique = await violation(provider, UniqueViolationError, `insert into parents values (1, 'x', 2)`);
    expect(unique).to.include({ table: 'parents', constraint: 'parents_Odd, Name_a_key' });
    expect(unique.columns).to.deep.equal(['Odd, Name', 'a']);
    const missing = await violation(
      provider,
      NotNullViolationError,
      `insert into parents values (2, null, 2)`,
    );
    expect(missing).to.include({ table: 'parents' });
    expect(missing.columns).to.deep.equal(['a']);
    const check = await violation(provider, CheckViolationError, `insert into parents values (2, 'x', 0)`);
    expect(check).to.include({ table: 'parents', constraint: 'parents_b_check' });
    for (const text of ['insert into children values (7)', 'delete from parents']) {
      const reference = await violation(provider, ForeignKeyViolationError, text);
      expect(reference).to.include({ table: 'children', constraint: 'children_b_fkey' });
    }
    const exclusion = await violation(provider, UniqueViolationError, `insert into spans values ('[4,9)')`);
    expect(exclusion).to.include({ table: 'spans', constraint: 'spans_during_excl' });
    expect(exclusion.columns).to.deep.equal(['during']);
  });

  it('a value that does not fit is not repeated', async () => {
    const provider = await postgres.openWithItems();
    const error = await rejectionOf(provider.query('select cast(? as uuid)', ['c4nary']));
    expect(error).to.be.instanceOf(QueryError);
    expect(error).to.include({ driverCode: '22P02' });
    expect(inspect(error, { depth: 20, showHidden: true })).not.to.contain('c4nary');
  });

  // Functions of the server repeat their arguments under codes that also stand for a fault of the statement.
  for (const [code, text, value] of [
    ['42601', 'select to_tsquery(?)', 'c4nary ('],
    ['42601', 'select cast(? as regtype)', 'x c4nary y z'],
    ['42601', `select query_to_xml(?, true, true, '')`, 'select c4nary c4nary c4nary'],
    ['42703', `select has_column_privilege('pg_class', ?, 'select')`, 'c4nary'],
    ['42704', 'select current_setting(?)', 'c4nary.x'],
    ['42704', `select has_table_privilege(?, 'pg_class', 'select')`, 'c4nary'],
    ['42883', 'select cast(? as regproc)', 'c4nary'],
    ['42P01', 'select nextval(?)', 'c4nary'],
    ['42P01', 'select cast(? as regclass)', 'c4nary'],
    ['42P01', `select query_to_xml(?, true, true, '')`, 'select * from c4nary'],
    ['34000', `select cursor_to_xml(?, 1, true, true, '')`, 'c4nary'],
    ['22023', `select encode('a', ?)`, 'c4nary'],
  ] as const) {
    it(`nor is one that a function repeats: ${text} (${code})`, async () => {
      const logged: unknown[] = [];
      const logger = { debug() {}, info() {}, warn() {}, error: (...line: unknown[]) => logged.push(line) };
      const provider = await postgres.open({ debug: true }, { logger });
      const error = await rejectionOf(provider.query(text, [value]));
      expect(error).to.include({ name: 'QueryError', driverCode: code });
      expect(logged).not.to.deep.equal([]);
      expect(inspect([error, logged], { depth: 20, showHidden: true })).not.to.contain('c4nary');
    });
  }

  for (const [code, text, name] of [
    ['42601', 'select * frm items', 'frm'],
    ['42703', 'select nothing from items where id = ?', 'nothing'],
    ['42883', 'select nowhere(?)', 'nowhere'],
    ['42P01', 'select * from nowhere where id = ?', 'nowhere'],
  ] as const) {
    it(`what the statement itself says wrong is named: ${text} (${code})`, async () => {
      const provider = await postgres.openWithItems();
      const error = await rejectionOf(provider.query(text, text.includes('?') ? [1] : []));
      expect(error).to.include({ name: 'QueryError', driverCode: code });
      expect((error as Error).message)
        .to.contain(name)
        .and.contain(code);
    });
  }

  it('a schema change that is refused is explained, without the words of the server', async () => {
    const provider = await postgres.openWithItems();
    const error = await rejectionOf(provider.exec('create table items (id bigint)'));
    expect((error as Error).message)
      .to.contain('there is a table')
      .and.contain('42P07');
  });

  it('what a trigger raises comes through as its author wrote it', async () => {
    const provider = await postgres.open();
    const error = await rejectionOf(provider.exec(`do $$ begin raise exception 'closed on Sundays'; end $$`));
    expect((error as Error).message)
      .to.contain('closed on Sundays')
      .and.contain('P0001');
  });

  it('two statements in one text are refused', async () => {
    const provider = await postgres.openWithItems();
    const error = await rejectionOf(provider.query('select 1; drop table items'));
    expect(error).to.be.instanceOf(QueryError);
    expect((error as Error).message).to.contain('more than one statement');
    expect(await provider.query('select * from items')).to.deep.equal([]);
  });

  it('concurrent changes at serializable', async () => {
    const provider = await postgres.openWithItems();
    await provider.exec(`insert into items values (1, 'a'), (2, 'b')`);
    const both = Promise.withResolvers<void>();
    let reads = 0;
    const swap = (from: number, to: number) =>
      provider.transaction(
        async (tx) => {
          const { name } = await tx
            .selectFrom('items')
            .select('name')
            .where('id', '=', from)
            .executeTakeFirstOrThrow();
          reads += 1;
          if (reads === 2) both.resolve();
          await both.promise;
          await tx.updateTable('items').set({ name }).where('id', '=', to).execute();
        },
        { isolation: 'serializable' },
      );
    const outcomes = await Promise.allSettled([swap(1, 2), swap(2, 1)]);
    const failed = outcomes.filter((outcome) => outcome.status === 'rejected');
    expect(failed).to.have.length(1);
    expect(failed[0]?.reason).to.be.instanceOf(SerializationFailureError);
  });

  it('transactions that wait for each other', async () => {
    const provider = await postgres.openWithItems();
    await provider.exec(`insert into items values (1, 'a'), (2, 'b')`);
    const both = Promise.withResolvers<void>();
    let locked = 0;
    const lock = (first: number, second: number) =>
      provider.transaction(async (tx) => {
        await tx.updateTable('items').set({ name: 'x' }).where('id', '=', first).execute();
        locked += 1;
        if (locked === 2) both.resolve();
        await both.promise;
        await tx.updateTable('items').set({ name: 'x' }).where('id', '=', second).execute();
      });
    const outcomes = await Promise.allSettled([lock(1, 2), lock(2, 1)]);
    const failed = outcomes.filter((outcome) => outcome.status === 'rejected');
    expect(failed).to.have.length(1);
    expect(failed[0]?.reason).to.be.instanceOf(DeadlockError);
  });

  it('a lock that is not granted within lockTimeout', async () => {
    const provider = await postgres.openWithItems({ lockTimeout: 0 });
    await provider.exec(`insert into items values (1, 'a')`);
    await provider.transaction(async (tx) => {
      await tx.updateTable('items').set({ name: 'x' }).execute();
      const error = await rejectionOf(outside(() => provider.exec(`update items set name = 'y'`)));
      expect(error).to.be.instanceOf(DatabaseBusyError);
    });
  });

  it('a statement that outlives statementTimeout, and the connection is kept', async () => {
    const provider = await postgres.open({ statementTimeout: 50, pool: { max: 1 } });
    expect(await rejectionOf(provider.query('select pg_sleep(10)'))).to.be.instanceOf(StatementTimeoutError);
    expect(await provider.query('select 1 as one')).to.deep.equal([{ one: 1 }]);
    expect(provider.stats()).to.include({ created: 1, retired: 0 });
  });

  it('a statement that an operator cancels', async () => {
    const url = await postgres.freshUrl();
    const provider = await postgres.open({ url });
    const outcome = rejectionOf(provider.query('select pg_sleep(60)'));
    await until(async () => {
      const cancelled = await postgres.askServer(
        url,
        `select pg_cancel_backend(pid) from pg_stat_activity where query like '%pg_sleep(60)%' and pid <> pg_backend_pid() and datname = current_database()`,
      );
      return cancelled.length > 0;
    });
    expect(await outcome).to.be.instanceOf(QueryCancelledError);
  });

  it('a write in a read-only transaction, and a statement behind a failed one', async () => {
    const provider = await postgres.openWithItems();
    const write = provider.transaction((tx) => sql`insert into items values (1)`.execute(tx), {
      readOnly: true,
    });
    expect(await rejectionOf(write)).to.be.instanceOf(ReadOnlyDatabaseError);
    await rejectionOf(
      provider.transaction(async (tx) => {
        await rejectionOf(sql`select 1 / 0`.execute(tx));
        expect(await rejectionOf(sql`select 1`.execute(tx))).to.be.instanceOf(TransactionAbortedError);
      }),
    );
  });

  it('a transaction that lies idle for longer than the server allows', async () => {
    const url = await postgres.freshUrl();
    const provider = await postgres.openWithItems({ url, pool: { max: 1 } });
    const error = await rejectionOf(
      provider.transaction(async (tx) => {
        await sql`set local idle_in_transaction_session_timeout = 20`.execute(tx);
        await until(async () => (await postgres.countSessions(url)) === 0);
        await sql`select 1`.execute(tx);
      }),
    );
    expect(error).to.be.instanceOf(ConnectionError);
  });

  async function violation<Class extends ConstraintViolationError>(
    provider: DatabaseProvider<Tables>,
    expected: abstract new (...values: never[]) => Class,
    text: string,
  ): Promise<Class> {
    const error = await rejectionOf(provider.exec(text));
    expect(error).to.be.instanceOf(expected);
    return error as Class;
  }
});
