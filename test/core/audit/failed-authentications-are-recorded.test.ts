import { expect } from 'chai';
import { sql } from 'kysely';
import { setImmediate as turn } from 'node:timers/promises';
import { AuditLog, AuthenticationFailures } from '../../../src/core/audit/index.ts';
import type { AuditTables } from '../../../src/core/audit/audit-tables.ts';
import {
  ExpiredTokenError,
  ForbiddenError,
  ValidationError,
  runAs,
  type DatabaseProvider,
} from '../../../src/core/index.ts';
import { authenticate } from '../../../src/core/security/index.ts';
import { describeOnEachDatabase } from '../../support/database.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { until } from '../../support/until.ts';
import { makeTokens } from '../security/tokens/tokens-fixture.ts';
import { auditKeys, openAuditDatabase, readRows } from './audit-fixture.ts';

interface Recorded {
  readonly actor: string;
  readonly count: number;
  readonly codes: Readonly<Record<string, number>>;
}

describeOnEachDatabase('failed authentications are recorded', (database) => {
  let provider: DatabaseProvider<AuditTables>;
  let clock: FakeClock;
  let log: AuditLog;

  beforeEach(async () => {
    provider = await openAuditDatabase(await database.freshUrl());
    clock = new FakeClock();
    log = new AuditLog(provider, { keys: auditKeys(), clock });
  });

  afterEach(() => provider.close());

  const expired = new ExpiredTokenError('expired');
  const forbidden = new ForbiddenError('refused');

  async function recorded(): Promise<Recorded[]> {
    return (await readRows(provider)).map((row) => {
      expect(row.action).to.equal('auth.failed');
      const { metadata } = JSON.parse(row.content!) as { metadata: Omit<Recorded, 'actor'> };
      return { actor: `${row.actor_type} ${row.actor_id}`, ...metadata };
    });
  }

  it('the first at once, and those that follow it together', async () => {
    const failures = new AuthenticationFailures(log, { interval: 1_000 });
    const actor = 'system authentication';
    runAs({ type: 'user', id: 'ann' }, () => failures.note(expired));
    await until(async () => (await recorded()).length === 1);
    for (let count = 0; count < 500; count += 1) failures.note(count % 5 === 0 ? forbidden : expired);
    failures.note(new Error('of somebody else'));
    clock.advance(999);
    expect(await recorded()).to.deep.equal([{ actor, count: 1, codes: { LIMINAL_EXPIRED_TOKEN: 1 } }]);
    clock.advance(1);
    await until(async () => (await recorded()).length === 2);
    expect((await recorded())[1]).to.deep.equal({
      actor,
      count: 501,
      codes: { LIMINAL_EXPIRED_TOKEN: 400, LIMINAL_FORBIDDEN: 100, UNKNOWN: 1 },
    });
    failures.note(expired);
    await failures.close();
    expect((await recorded())[2]).to.deep.equal({ actor, count: 1, codes: { LIMINAL_EXPIRED_TOKEN: 1 } });
    failures.note(expired);
    clock.advance(10_000);
    await failures.close();
    expect(await recorded()).to.have.lengthOf(3);
  });

  it('also where the database was not there at first', async () => {
    const told: string[] = [];
    const failures = new AuthenticationFailures(log, {
      interval: 1_000,
      logger: { debug() {}, info() {}, warn() {}, error: (_, message) => told.push(message) },
    });
    await sql`alter table audit_logs rename to away`.execute(provider.db);
    failures.note(expired);
    await until(() => told.length === 1);
    await sql`alter table away rename to audit_logs`.execute(provider.db);
    failures.note(forbidden);
    clock.advance(1_000);
    await until(async () => (await recorded()).length === 1);
    expect(await recorded()).to.deep.include.members([
      { actor: 'system authentication', count: 2, codes: { LIMINAL_EXPIRED_TOKEN: 1, LIMINAL_FORBIDDEN: 1 } },
    ]);
    await failures.close();
  });

  it('before the close of whoever records them has ended', async () => {
    const failures = new AuthenticationFailures(log);
    const held = Promise.withResolvers<void>();
    const holding = Promise.withResolvers<void>();
    const holder = provider.transaction(async (tx) => {
      // On SQLite any transaction keeps other writers waiting.
      if (database.name === 'postgres') await sql`lock table audit_logs in exclusive mode`.execute(tx);
      else await sql`select 1`.execute(tx);
      holding.resolve();
      await held.promise;
    });
    await holding.promise;
    failures.note(expired);
    let isClosed = false;
    const closing = failures.close().then(() => (isClosed = true));
    for (let count = 0; count < 50; count += 1) await turn();
    expect(isClosed).to.equal(false);
    held.resolve();
    await Promise.all([holder, closing]);
    expect(await recorded()).to.have.lengthOf(1);
  });

  it('also where they come from within a transaction that is rolled back', async () => {
    const failures = new AuthenticationFailures(log);
    await provider
      .transaction(async () => {
        failures.note(expired);
        throw new Error('undone');
      })
      .catch(() => undefined);
    await failures.close();
    expect(await recorded()).to.deep.equal([
      { actor: 'system authentication', count: 1, codes: { LIMINAL_EXPIRED_TOKEN: 1 } },
    ]);
  });

  it('of the requests that authenticate refuses, without their tokens', async () => {
    const tokens = makeTokens(clock);
    const failures = new AuthenticationFailures(log);
    const handle = authenticate({ tokens, onError: failures.note }).wrap(() => new Response('in'));
    const headers = { authorization: 'Bearer abc.def.ghi' };
    expect((await handle(new Request('http://chat.example/', { headers }))).status).to.equal(401);
    await failures.close();
    const rows = await readRows(provider);
    expect(rows).to.have.lengthOf(1);
    expect(JSON.stringify(rows)).to.include('LIMINAL_INVALID_TOKEN').and.not.include('abc.def');
  });

  it('as often as told: an interval that is none is refused', () => {
    for (const interval of [0, -1, 1.5, Number.NaN, 3_600_001]) {
      expect(() => new AuthenticationFailures(log, { interval })).to.throw(ValidationError, /interval/u);
    }
  });
});
