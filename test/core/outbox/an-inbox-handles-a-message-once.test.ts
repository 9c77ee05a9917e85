import { expect } from 'chai';
import { sql, type Kysely } from 'kysely';
import { ValidationError, isLiminalDataError, type DatabaseProvider } from '../../../src/core/index.ts';
import { Inbox } from '../../../src/core/outbox/index.ts';
import type { OutboxTables } from '../../../src/core/outbox/outbox-tables.ts';
import { describeOnEachDatabase } from '../../support/database.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { rejectionOf } from '../../support/rejection.ts';
import { countRows, openOutboxDatabase } from './outbox-fixture.ts';

describeOnEachDatabase('an inbox', (database) => {
  let provider: DatabaseProvider<OutboxTables>;

  beforeEach(async () => {
    provider = await openOutboxDatabase(await database.freshUrl());
    await sql`create table effects (n integer)`.execute(provider.db);
  });

  afterEach(() => provider.close());

  const effect = (db: Kysely<OutboxTables>) => sql`insert into effects (n) values (1)`.execute(db);
  const countEffects = async () => {
    const [row] = await provider.query<{ n: number }>('select count(*) as n from effects');
    return Number(row?.n);
  };
  const once = (inbox: Inbox, id: string, isolation: 'read committed' | 'serializable' = 'read committed') =>
    provider.transaction((tx) => inbox.once(tx, id, () => effect(tx)), { isolation });

  for (const isolation of ['read committed', 'serializable'] as const) {
    it(`runs the work of a message once, however many come with it at a time (${isolation})`, async () => {
      const inbox = new Inbox('invoices');
      const handle = async (): Promise<boolean> => {
        for (;;) {
          try {
            return (await once(inbox, 'm-1', isolation)).ran;
          } catch (error) {
            if (!isLiminalDataError(error) || !error.retryable) throw error;
          }
        }
      };
      const ran = await Promise.all(Array.from({ length: 50 }, handle));
      expect(ran.filter(Boolean)).to.have.lengthOf(1);
      expect(await countEffects()).to.equal(1);
    });
  }

  it('gives back what the work gave, and runs it for each consumer', async () => {
    const run = (consumer: string) =>
      provider.transaction((tx) => new Inbox(consumer).once(tx, 'm-1', () => Promise.resolve(42)));
    expect(await run('a')).to.deep.equal({ ran: true, result: 42 });
    expect(await run('b')).to.deep.equal({ ran: true, result: 42 });
    expect(await run('a')).to.deep.equal({ ran: false });
  });

  it('runs it again where the transaction was rolled back, or the failure was swallowed', async () => {
    const inbox = new Inbox('invoices');
    const failing = (tx: Kysely<OutboxTables>) =>
      inbox.once(tx, 'm-1', () => Promise.reject(new RangeError('down')));
    expect(await rejectionOf(provider.transaction(failing))).to.be.instanceOf(RangeError);
    await provider.transaction((tx) => failing(tx).catch(() => undefined));
    expect(await once(inbox, 'm-1')).to.include({ ran: true });
    expect(await countEffects()).to.equal(1);
  });

  it('refuses a handle that is no transaction, and names that break a rule', async () => {
    const inbox = new Inbox('invoices');
    expect(await rejectionOf(inbox.once(provider.db, 'm-1', () => Promise.resolve()))).to.be.instanceOf(
      ValidationError,
    );
    expect(await rejectionOf(once(inbox, ''))).to.be.instanceOf(ValidationError);
    expect(() => new Inbox('')).to.throw(ValidationError);
  });

  it('forgets what it handled long ago, and nothing of other consumers', async () => {
    const clock = new FakeClock();
    const inbox = new Inbox('invoices', { clock });
    const other = new Inbox('mails', { clock });
    await provider.transaction(async (tx) => {
      for (let n = 0; n < 1_200; n += 1) await inbox.once(tx, `old-${n}`, () => Promise.resolve());
      await other.once(tx, 'old-0', () => Promise.resolve());
    });
    clock.advance(1_000);
    await once(inbox, 'new');
    expect(await inbox.prune(provider, { olderThan: 1_000 })).to.equal(0);
    expect(await inbox.prune(provider, { olderThan: 999 })).to.equal(1_200);
    expect(await countRows(provider, 'inbox_messages')).to.equal(2);
    expect(await once(inbox, 'new')).to.deep.equal({ ran: false });
    expect(await rejectionOf(inbox.prune(provider, { olderThan: -1 }))).to.be.instanceOf(ValidationError);
  });
});
