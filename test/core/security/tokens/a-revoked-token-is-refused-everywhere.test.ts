import { expect } from 'chai';
import { sql } from 'kysely';
import {
  ConfigurationError,
  InvalidTokenError,
  type DatabaseProvider,
  type NotificationListener,
} from '../../../../src/core/index.ts';
import { RefreshTokens, Revocations } from '../../../../src/core/security/index.ts';
import type { TokenTables } from '../../../../src/core/security/tokens/token-tables.ts';
import { describeOnDatabase, describeOnEachDatabase } from '../../../support/database.ts';
import { soakCount } from '../../../support/engines.ts';
import { FakeClock } from '../../../support/fake-clock.ts';
import { rejectionOf } from '../../../support/rejection.ts';
import { until } from '../../../support/until.ts';
import { makeTokens, openTokenDatabase, refusalOf, type TestTokens } from './tokens-fixture.ts';

describeOnEachDatabase('a revoked token is refused everywhere', (database) => {
  let provider: DatabaseProvider<TokenTables>;
  let clock: FakeClock;
  let here: TestTokens;
  let revocationsHere: Revocations;
  /** As another process: it shares the database, and no memory. */
  let there: TestTokens;

  before(async () => {
    provider = await openTokenDatabase(await database.freshUrl());
  });
  after(() => provider.close());
  beforeEach(() => {
    clock = new FakeClock();
    revocationsHere = new Revocations(provider, { maxAge: 5_000, clock });
    here = makeTokens(clock, { revocations: revocationsHere });
    there = makeTokens(clock, { revocations: new Revocations(provider, { maxAge: 5_000, clock }) });
  });

  /** As a restored backup: what was revoked behind a number is not there, and numbers go on from it. */
  const restoreTo = async (seq: number) => {
    await provider.db.deleteFrom('token_revocations').where('seq', '>', seq).execute();
    await provider.db.updateTable('token_revocation_counter').set({ last_seq: seq }).execute();
  };

  const issue = async (subject = 'ann') => (await here.issue({ subject })).token.reveal();

  it('at once here, and in other processes within the time that was configured', async () => {
    const [token, other] = [await issue(), await issue()];
    for (const tokens of [here, there]) await tokens.verify(token);
    await here.revoke(token);
    await refusalOf(here, token);
    clock.advance(4_999);
    await there.verify(token);
    clock.advance(1);
    await refusalOf(there, token);
    for (const tokens of [here, there]) await tokens.verify(other);
  });

  it('by what was kept of it', async () => {
    const { token, tokenId, expiresAt } = await here.issue({ subject: 'ann' });
    await here.revoke({ tokenId, expiresAt });
    await refusalOf(here, token.reveal());
  });

  it('where all tokens of its subject are revoked, and not one that is issued after that', async () => {
    const [token, bob] = [await issue(), await issue('bob')];
    await here.revokeSubject('ann');
    // Time stands still: this one is of the same millisecond.
    const later = await issue();
    for (const tokens of [here, there]) {
      await refusalOf(tokens, token);
      await tokens.verify(later);
      await tokens.verify(bob);
    }
    expect((await there.issue({ subject: 'ann' })).expiresAt).to.equal(
      clock.now() - (clock.now() % 1_000) + 60_000,
    );
  });

  it('also where its subject was revoked before, in the same millisecond', async () => {
    const all = [await issue()];
    for (let round = 0; round < 5; round += 1) {
      await here.revokeSubject('ann');
      all.push(await issue());
      for (const token of all.slice(0, -1)) await refusalOf(here, token);
      await here.verify(all.at(-1) ?? '');
    }
    await Promise.all([here.revokeSubject('ann'), there.revokeSubject('ann')]);
    await refusalOf(here, all.at(-1) ?? '');
  });

  it('also where the clock of the issuer is ahead', async () => {
    const ahead = new FakeClock(clock.now() + 4_000);
    const { token } = await makeTokens(ahead).issue({ subject: 'cyd' });
    await here.verify(token);
    await here.revokeSubject('cyd');
    await refusalOf(here, token.reveal());
  });

  it('also where its subject was revoked in the middle of a sign-in or a refresh', async () => {
    const refreshTokens = new RefreshTokens(provider, {
      lifetime: 60_000,
      sessionLifetime: 60_000,
      revocations: revocationsHere,
      clock,
    });
    const tokens = makeTokens(clock, { revocations: revocationsHere, refreshTokens });
    const { refresh } = await tokens.signIn({ subject: 'dan' });
    const interrupt = async <Result>(work: Promise<Result>): Promise<Result> => {
      const result = await work;
      await tokens.revokeSubject('dan');
      clock.advance(10_000);
      return result;
    };
    const rotate = refreshTokens.rotate.bind(refreshTokens);
    refreshTokens.rotate = (...input) => interrupt(rotate(...input));
    const next = await tokens.refresh(refresh.token);
    const begin = refreshTokens.begin.bind(refreshTokens);
    refreshTokens.begin = (...input) => interrupt(begin(...input));
    const late = await tokens.signIn({ subject: 'dan' });
    for (const { access } of [next, late]) await refusalOf(tokens, access.token.reveal());
    // By its subject alone too.
    await provider.db.deleteFrom('token_revocations').where('kind', '=', 'session').execute();
    for (const { access } of [next, late]) await refusalOf(there, access.token.reveal());
  });

  it('also where its subject was revoked while its sign-in was not committed yet', async () => {
    const refreshTokens = new RefreshTokens(provider, {
      lifetime: 86_400_000,
      sessionLifetime: 86_400_000,
      revocations: revocationsHere,
      clock,
    });
    const tokens = makeTokens(clock, { revocations: revocationsHere, refreshTokens });
    const isStored = Promise.withResolvers<void>();
    const mayCommit = Promise.withResolvers<void>();
    const signingIn = provider.transaction(async (tx) => {
      const pair = await tokens.signIn({ subject: 'ann' }, { on: tx });
      isStored.resolve();
      await mayCommit.promise;
      return pair;
    });
    await isStored.promise;
    let isRevoked = false;
    const revoking = tokens.revokeSubject('ann').then(() => (isRevoked = true));
    // On SQLite writers wait for each other anyway.
    if (database.name === 'postgres') await until(async () => isRevoked || (await countWaiting()) > 0);
    mayCommit.resolve();
    const { access, refresh } = await signingIn;
    await revoking;
    await refusalOf(tokens, access.token.reveal());
    expect(await rejectionOf(tokens.refresh(refresh.token))).to.be.instanceOf(InvalidTokenError);
    await tokens.refresh((await tokens.signIn({ subject: 'ann' })).refresh.token);
  });

  /** How many sessions of this database wait for a lock. */
  const countWaiting = async () => {
    const { rows } = await sql`select from pg_stat_activity
      where datname = current_database() and wait_event_type = 'Lock'`.execute(provider.db);
    return rows.length;
  };

  it('of a session only where the same revocations serve both', () => {
    for (const revocations of [undefined, new Revocations(provider, { clock })]) {
      const refreshTokens = new RefreshTokens(provider, {
        lifetime: 60_000,
        sessionLifetime: 60_000,
        ...(revocations !== undefined && { revocations }),
      });
      const make = () => makeTokens(clock, { revocations: revocationsHere, refreshTokens });
      expect(make).to.throw(ConfigurationError, /refreshTokens/);
      makeTokens(clock, { refreshTokens });
    }
  });

  it('once the transaction that revoked it has committed, and not where it was rolled back', async () => {
    const token = await issue();
    const undone = new Error('undone');
    const failing = provider.transaction(async (tx) => {
      await here.revokeSubject('ann', { on: tx });
      throw undone;
    });
    expect(await rejectionOf(failing)).to.equal(undone);
    for (const tokens of [here, there]) await tokens.verify(token);
    const pair = await provider.transaction(async (tx) => {
      await here.revokeSubject('ann', { on: tx });
      return here.issue({ subject: 'ann' }, { on: tx });
    });
    await refusalOf(here, token);
    clock.advance(5_000);
    await refusalOf(there, token);
    for (const tokens of [here, there]) await tokens.verify(pair.token);
  });

  it('also where many revoke at once, in any order of their commits', async () => {
    const count = soakCount(300);
    const all = await Promise.all(Array.from({ length: count }, () => issue()));
    const known = new Revocations(provider, { maxAge: 0, clock });
    const watcher = makeTokens(clock, { revocations: known });
    const open = await issue('watcher');
    let isDone = false;
    const looking = (async () => {
      while (!isDone) await watcher.verify(open);
    })();
    await Promise.all(
      all.map((token, index) =>
        index % 2 === 0
          ? here.revoke(token)
          : provider.transaction(async (tx) => here.revoke(token, { on: tx })),
      ),
    );
    isDone = true;
    await looking;
    const young = makeTokens(clock, { revocations: new Revocations(provider, { clock }) });
    for (const token of all) for (const tokens of [watcher, young]) await refusalOf(tokens, token);
    // As many as there are, though it looked while they were made.
    expect(known.size).to.be.at.least(count);
    expect(revocationsHere.size).to.be.at.least(1);
  }).timeout(120_000);

  it('where the database does not answer: no token is accepted then', async () => {
    const token = await issue();
    await here.verify(token);
    const broken = new Revocations({ ...pick(provider), db: {} }, { maxAge: 5_000, clock });
    const tokens = makeTokens(clock, { revocations: broken });
    expect(await rejectionOf(tokens.verify(token))).to.be.instanceOf(Error);
  });

  it('until it would be over anyway; then the revocation is forgotten', async () => {
    clock.advance(30 * 86_400_000);
    await revocationsHere.prune();
    const token = await issue();
    await here.revoke(token);
    expect(await revocationsHere.prune()).to.equal(0);
    clock.advance(60_000 + 4_000);
    await refusalOf(here, token);
    clock.advance(60_000 + 121_000);
    expect(await revocationsHere.prune()).to.equal(1);
    expect(revocationsHere.size).to.equal(0);
    await here.revoke(token);
  });

  it('also behind a database that was restored from a backup', async () => {
    await here.revoke(await issue());
    await there.verify(await issue());
    await restoreTo(0);
    const token = await issue();
    clock.advance(5_000);
    await there.verify(token);
    await here.revoke(token);
    clock.advance(5_000);
    await refusalOf(there, token);
  });

  it('here, where it is known, though the backup that was restored does not know it', async () => {
    const token = await issue();
    await here.revoke(token);
    await refusalOf(there, token);
    await restoreTo(0);
    clock.advance(5_000);
    for (const tokens of [here, there]) await refusalOf(tokens, token);
  });

  it('behind a restored database that has given known numbers to other revocations', async () => {
    const { last_seq: backedUp } = await provider.db
      .selectFrom('token_revocation_counter')
      .select('last_seq')
      .executeTakeFirstOrThrow();
    for (let round = 0; round < 3; round += 1) await here.revoke(await issue());
    await there.verify(await issue());
    for (const extra of [0, 1, 2]) {
      await restoreTo(backedUp);
      const tokens = [await issue(), await issue(), await issue()];
      // As many as there were, and more: the numbers alone tell nothing.
      for (let round = 0; round < extra; round += 1) tokens.push(await issue());
      for (const token of tokens) await here.revoke(token);
      clock.advance(5_000);
      for (const token of tokens) await refusalOf(there, token);
    }
  });

  it('also where a look was under way when it was heard of', async () => {
    const heard: NotificationListener[] = [];
    const listened = new Revocations(
      {
        db: provider.db,
        sql: provider.sql,
        transaction: (work) => provider.transaction(work),
        listen(_channel, listener) {
          heard.push(listener);
          return { close() {} };
        },
      },
      { maxAge: 60_000, clock, listen: true },
    );
    const tokens = makeTokens(clock, { revocations: listened });
    const token = await issue();
    const looking = listened.catchUp();
    // What it stands for may have been committed behind the look.
    for (const listener of heard) listener.onNotification('');
    await looking;
    await here.revoke(token);
    await refusalOf(tokens, token);
  });

  it('needs revocations to be kept', async () => {
    const without = makeTokens(clock);
    const { token } = await without.issue({ subject: 'ann' });
    expect(await rejectionOf(without.revoke(token))).to.be.instanceOf(ConfigurationError);
    expect(await rejectionOf(without.revokeSubject('ann'))).to.be.instanceOf(ConfigurationError);
    expect(() => new Revocations(provider, { maxAge: 60_001 })).to.throw(ConfigurationError);
  });
});

describeOnDatabase('postgres', 'a revocation is heard at once', (database) => {
  it('by a process that listens, without any time going by', async () => {
    const url = await database.freshUrl();
    const [one, two] = [await openTokenDatabase(url), await openTokenDatabase(url)];
    const clock = new FakeClock();
    const here = makeTokens(clock, { revocations: new Revocations(one, { maxAge: 60_000, clock }) });
    const listening = new Revocations(two, { maxAge: 60_000, clock, listen: true });
    const there = makeTokens(clock, { revocations: listening });
    try {
      const { token } = await here.issue({ subject: 'ann' });
      await there.verify(token);
      await here.revoke(token);
      await until(async () => (await there.verify(token).catch(() => 'refused')) === 'refused');
    } finally {
      listening.close();
      await one.close();
      await two.close();
    }
  });
});

function pick(provider: DatabaseProvider<TokenTables>) {
  return {
    sql: provider.sql,
    transaction: () => Promise.reject(new Error('the database is down')),
  };
}
