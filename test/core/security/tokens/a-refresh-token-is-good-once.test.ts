import { expect } from 'chai';
import { createHash } from 'node:crypto';
import {
  ExpiredTokenError,
  InvalidTokenError,
  UnitOfWork,
  ValidationError,
  type DatabaseProvider,
} from '../../../../src/core/index.ts';
import { RefreshTokens, Revocations, type TokenPair } from '../../../../src/core/security/index.ts';
import type { TokenTables } from '../../../../src/core/security/tokens/token-tables.ts';
import { describeOnEachDatabase } from '../../../support/database.ts';
import { soakCount } from '../../../support/engines.ts';
import { FakeClock } from '../../../support/fake-clock.ts';
import { rejectionOf } from '../../../support/rejection.ts';
import { makeTokens, openTokenDatabase, refusalOf, type TestTokens } from './tokens-fixture.ts';

const day = 86_400_000;

describeOnEachDatabase('a refresh token is good once', function (database) {
  let provider: DatabaseProvider<TokenTables>;
  let clock: FakeClock;
  let refreshTokens: RefreshTokens;
  let tokens: TestTokens;

  before(async () => {
    provider = await openTokenDatabase(await database.freshUrl());
  });
  after(() => provider.close());

  const use = (changes: { grace?: number; renew?: Parameters<typeof makeTokens>[1] } = {}) => {
    const revocations = new Revocations(provider, { maxAge: 0, clock });
    const { grace = 0 } = changes;
    refreshTokens = new RefreshTokens(provider, {
      lifetime: day,
      sessionLifetime: 10 * day,
      grace,
      revocations,
      clock,
    });
    tokens = makeTokens(clock, { revocations, refreshTokens, ...changes.renew });
  };
  beforeEach(() => {
    clock = new FakeClock();
    use();
  });

  const signIn = () => tokens.signIn({ subject: 'ann', scopes: ['read'], tier: 'pro' });
  const refuses = async (pair: TokenPair) => {
    expect(await rejectionOf(tokens.refresh(pair.refresh.token))).to.be.instanceOf(InvalidTokenError);
  };
  const storedText = async () => {
    const families = await provider.db.selectFrom('token_families').selectAll().execute();
    const rows = await provider.db.selectFrom('refresh_tokens').selectAll().execute();
    return JSON.stringify([families, rows]);
  };

  it('gives the next pair, which grants the same', async () => {
    let pair = await signIn();
    for (let round = 0; round < 5; round += 1) {
      clock.advance(60_000);
      const next = await tokens.refresh(pair.refresh.token.reveal());
      expect(next.refresh.token.reveal()).not.to.equal(pair.refresh.token.reveal());
      expect(next.refresh.sessionId).to.equal(pair.refresh.sessionId);
      const { actor, sessionId } = await tokens.verify(next.access.token, { scopes: ['read'], tier: 'pro' });
      expect([actor.id, sessionId]).to.deep.equal(['ann', pair.refresh.sessionId]);
      pair = next;
    }
  });

  it('is stored as a hash alone, and is never printed', async () => {
    const { refresh } = await signIn();
    const token = refresh.token.reveal();
    expect(token).to.match(/^[\w-]{43}$/);
    const bytes = Buffer.from(token, 'base64url');
    const stored = await storedText();
    expect(stored).not.to.include(token);
    expect(stored).not.to.include(bytes.toString('hex'));
    expect(stored).to.include(createHash('sha256').update(bytes).digest('base64url'));
    expect(JSON.stringify(refresh)).not.to.include(token);
  });

  it('ends the whole session where it is used twice, with its access tokens', async () => {
    const first = await signIn();
    const other = await signIn();
    const second = await tokens.refresh(first.refresh.token);
    const third = await tokens.refresh(second.refresh.token);
    await tokens.verify(third.access.token);
    await refuses(first);
    await refuses(third);
    await refuses(second);
    await refusalOf(tokens, third.access.token.reveal());
    await tokens.refresh(other.refresh.token);
  });

  it('is won by exactly one of several who come at once', async () => {
    for (let round = 0; round < soakCount(200); round += 1) {
      const { refresh } = await signIn();
      const all = await Promise.allSettled(
        Array.from({ length: 5 }, () => refreshTokens.rotate(refresh.token)),
      );
      expect(all.filter(({ status }) => status === 'fulfilled').length).to.equal(1);
      for (const one of all) {
        if (one.status === 'rejected') expect(one.reason).to.be.instanceOf(InvalidTokenError);
        else
          expect(await rejectionOf(refreshTokens.rotate(one.value.token))).to.be.instanceOf(
            InvalidTokenError,
          );
      }
    }
  }).timeout(120_000);

  it('gives the same successor again within the grace, until that one is used', async () => {
    use({ grace: 10_000 });
    const first = await signIn();
    const answers = await Promise.all(Array.from({ length: 5 }, () => tokens.refresh(first.refresh.token)));
    expect(new Set(answers.map(({ refresh }) => refresh.token.reveal())).size).to.equal(1);
    clock.advance(9_999);
    const late = await tokens.refresh(first.refresh.token);
    expect(late.refresh.token.reveal()).to.equal(answers[0]?.refresh.token.reveal());
    expect(await storedText()).not.to.include(late.refresh.token.reveal());
    const next = await tokens.refresh(late.refresh.token);
    await refuses(first);
    await refuses(next);
  });

  it('gives nothing once the grace is over', async () => {
    use({ grace: 10_000 });
    const first = await signIn();
    const second = await tokens.refresh(first.refresh.token);
    clock.advance(10_000);
    await refuses(first);
    await refuses(second);
  });

  it('is over after its time, and so is its session', async () => {
    const first = await signIn();
    clock.advance(day);
    expect(await rejectionOf(tokens.refresh(first.refresh.token))).to.be.instanceOf(ExpiredTokenError);
    let pair = await signIn();
    for (let round = 0; round < 10; round += 1) {
      clock.advance(day - 5_000);
      pair = await tokens.refresh(pair.refresh.token);
    }
    const { sessionExpiresAt } = pair.refresh;
    expect(pair.refresh.expiresAt).to.equal(sessionExpiresAt);
    expect(pair.access.expiresAt).to.be.at.most(sessionExpiresAt);
    clock.advance(sessionExpiresAt - clock.now());
    expect(await rejectionOf(tokens.refresh(pair.refresh.token))).to.be.instanceOf(ExpiredTokenError);
  });

  it('is refused where it is none', async () => {
    const { refresh } = await signIn();
    const token = refresh.token.reveal();
    const odd = [
      '',
      'x',
      `${token}=`,
      `${token} `,
      token.slice(1),
      'A'.repeat(43),
      `'${token.slice(1)}`,
      'A'.repeat(1e6),
    ];
    for (const other of [...odd, undefined, null, {}, 1]) {
      expect(await rejectionOf(tokens.refresh(other as never))).to.be.instanceOf(InvalidTokenError);
    }
    await tokens.refresh(token);
  });

  it('belongs to the transaction of its caller', async () => {
    const { refresh } = await signIn();
    const undone = new Error('undone');
    const failing = provider.transaction(async (tx) => {
      await tokens.refresh(refresh.token, { on: tx });
      await tokens.signIn({ subject: 'lost' }, { on: tx });
      throw undone;
    });
    expect(await rejectionOf(failing)).to.equal(undone);
    expect(await storedText()).not.to.include('lost');
    const pair = await provider.transaction((tx) => tokens.refresh(refresh.token, { on: tx }));
    await tokens.refresh(pair.refresh.token);
  });

  it('ends its session also where the transaction is rolled back for the reuse', async () => {
    const first = await signIn();
    const second = await tokens.refresh(first.refresh.token);
    const failing = provider.transaction((tx) => tokens.refresh(first.refresh.token, { on: tx }));
    expect(await rejectionOf(failing)).to.be.instanceOf(InvalidTokenError);
    const { revoked_for: reason } = await provider.db
      .selectFrom('token_families')
      .select('revoked_for')
      .where('id', '=', first.refresh.sessionId)
      .executeTakeFirstOrThrow();
    expect(reason).to.equal('reuse');
    await refuses(second);
    await refusalOf(tokens, second.access.token.reveal());
  });

  const reasonOf = async ({ refresh }: TokenPair) => {
    const { revoked_for: reason } = await provider.db
      .selectFrom('token_families')
      .select('revoked_for')
      .where('id', '=', refresh.sessionId)
      .executeTakeFirstOrThrow();
    return reason;
  };

  for (const isKept of [true, false]) {
    it(`ends its session also where a nested unit is undone, and the outer one is ${isKept ? 'kept' : 'undone'}`, async () => {
      const first = await signIn();
      const second = await tokens.refresh(first.refresh.token);
      const units = new UnitOfWork(provider, { repositories: {} });
      const undone = new Error('undone');
      const running = units.run(async ({ db: outer }) => {
        // It holds the lock that the end of the session needs.
        await outer.updateTable('token_families').set({ revoked_for: null }).execute();
        const nested = units.run(({ db }) => tokens.refresh(first.refresh.token, { on: db }));
        expect(await rejectionOf(nested)).to.be.instanceOf(InvalidTokenError);
        if (!isKept) throw undone;
      });
      if (isKept) await running;
      else expect(await rejectionOf(running)).to.equal(undone);
      expect(await reasonOf(first)).to.equal('reuse');
      await refusalOf(tokens, second.access.token.reveal());
    });
  }

  it('is refused in a transaction whose outcome cannot be heard of', async () => {
    const { refresh } = await signIn();
    const raw = provider.db.transaction().execute((tx) => tokens.refresh(refresh.token, { on: tx }));
    expect(await rejectionOf(raw)).to.be.instanceOf(ValidationError);
    expect(await rejectionOf(tokens.refresh(refresh.token, { on: provider.db }))).to.be.instanceOf(
      ValidationError,
    );
    await tokens.refresh(refresh.token);
  });

  it('ends its session at a later call, where it could not be ended at once', async () => {
    const first = await signIn();
    await tokens.refresh(first.refresh.token);
    let isDown = true;
    const failing = new RefreshTokens(
      {
        db: provider.db,
        sql: provider.sql,
        transaction: (work, options) =>
          isDown ? Promise.reject(new Error('down')) : provider.transaction(work, options),
      },
      { lifetime: day, sessionLifetime: 10 * day, clock },
    );
    const reuse = provider.transaction((tx) => failing.rotate(first.refresh.token, { on: tx }));
    expect(await rejectionOf(reuse)).to.be.instanceOf(InvalidTokenError);
    expect(await reasonOf(first)).to.equal(null);
    isDown = false;
    // SQLite has no connection beside that of the caller's transaction: there the next call ends it.
    await provider.transaction((tx) => failing.begin({ subject: 'bob' }, { on: tx }));
    if (database.name.startsWith('postgres')) expect(await reasonOf(first)).to.equal('reuse');
    await failing.revokeSubject('nobody');
    expect(await reasonOf(first)).to.equal('reuse');
  });

  it('grants what the application says at the refresh; undefined ends the session', async () => {
    const answers = [{ subject: 'ann', tier: 'basic' } as const, undefined];
    use({ renew: { renew: () => answers.shift() } });
    const first = await signIn();
    const second = await tokens.refresh(first.refresh.token);
    const { actor } = await tokens.verify(second.access.token);
    expect([actor.scopes, actor.tier]).to.deep.equal([[], 'basic']);
    await refuses(second);
    await refusalOf(tokens, second.access.token.reveal());
  });

  it('stays as it was where the application fails at the refresh', async () => {
    const fault = new Error('the user cannot be read');
    let isDown = true;
    use({
      renew: {
        renew: (grant) => {
          if (isDown) throw fault;
          return grant;
        },
      },
    });
    const { refresh } = await signIn();
    expect(await rejectionOf(tokens.refresh(refresh.token))).to.equal(fault);
    isDown = false;
    await tokens.refresh(refresh.token);
  });

  it('stays as it was where what is to be granted is of another subject', async () => {
    use({ renew: { renew: (grant) => Object.assign(grant, { subject: 'bob' }) } });
    const { refresh } = await signIn();
    expect(await rejectionOf(tokens.refresh(refresh.token))).to.be.instanceOf(ValidationError);
    use();
    await tokens.refresh(refresh.token);
  });

  it('stays as it was where what is to be granted is not declared', async () => {
    let scopes = ['gone'];
    use({ renew: { renew: (grant) => ({ ...grant, scopes }) as typeof grant } });
    const { refresh } = await signIn();
    expect(await rejectionOf(tokens.refresh(refresh.token))).to.be.instanceOf(ValidationError);
    scopes = ['read'];
    const next = await tokens.refresh(refresh.token);
    // Also where the session was begun with what is declared no more.
    use({ renew: { scopes: ['write'], scopesWithin: {} } });
    expect(await rejectionOf(tokens.refresh(next.refresh.token))).to.be.instanceOf(ValidationError);
    use();
    await tokens.refresh(next.refresh.token);
  });

  it('ends by signing out, and by the end of all sessions of its subject', async () => {
    const [one, two, three] = [await signIn(), await signIn(), await tokens.signIn({ subject: 'bob' })];
    expect(await refreshTokens.revoke(one.refresh.token)).to.equal(true);
    expect(await refreshTokens.revoke(one.refresh.token)).to.equal(false);
    await refuses(one);
    await refusalOf(tokens, one.access.token.reveal());
    await tokens.verify(two.access.token);
    expect(await refreshTokens.revokeSubject('ann')).to.be.at.least(1);
    await refuses(two);
    await tokens.refresh(three.refresh.token);
  });

  it('leaves a revocation no longer than an access token of its session lives', async () => {
    const { refresh, access } = await signIn();
    await refreshTokens.revoke(refresh.token);
    const { expires_at: end } = await provider.db
      .selectFrom('token_revocations')
      .select('expires_at')
      .where('value', '=', refresh.sessionId)
      .executeTakeFirstOrThrow();
    expect(end).to.be.within(access.expiresAt + 60_000, clock.now() + 60_000 + 120_000);
  });

  it('is known as used as long as its session lives', async () => {
    const first = await signIn();
    let pair = await tokens.refresh(first.refresh.token);
    const unused = await signIn();
    for (let round = 0; round < 3; round += 1) {
      clock.advance(day - 1_000);
      pair = await tokens.refresh(pair.refresh.token);
    }
    expect(await refreshTokens.prune()).to.be.at.least(1);
    expect(await rejectionOf(tokens.refresh(unused.refresh.token))).to.be.instanceOf(InvalidTokenError);
    await refuses(first);
    await refuses(pair);
  });

  it('is deleted once its time is over', async () => {
    clock.advance(100 * day);
    await signIn();
    await refreshTokens.prune();
    const before = await storedText();
    clock.advance(10 * day + 120_001);
    expect(await refreshTokens.prune()).to.be.at.least(1);
    expect(await storedText()).not.to.equal(before);
    expect(await provider.db.selectFrom('refresh_tokens').selectAll().execute()).to.deep.equal([]);
  });
});
