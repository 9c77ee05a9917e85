import { expect } from 'chai';
import {
  RefreshTokens,
  Revocations,
  TokenService,
  pruneTokens,
  type TokenPair,
} from '../../../../src/core/security/index.ts';
import type { DatabaseProvider } from '../../../../src/core/index.ts';
import type { TokenTables } from '../../../../src/core/security/tokens/token-tables.ts';
import { describeOnEachDatabase } from '../../../support/database.ts';
import { FakeClock } from '../../../support/fake-clock.ts';
import { makeConfig, openTokenDatabase } from './tokens-fixture.ts';

const day = 86_400_000;

describeOnEachDatabase('what is over of sessions is deleted in portions', (database) => {
  let clock: FakeClock;
  let provider: DatabaseProvider<TokenTables>;
  let tokens: TokenService<'read' | 'write' | 'all', 'basic' | 'pro'>;
  let deletes: string[] = [];

  beforeEach(async () => {
    clock = new FakeClock();
    provider = await openTokenDatabase(await database.freshUrl(), {
      onStatement: ({ sql }) => {
        const [, table] = /^\s*delete from "(\w+)"/.exec(sql) ?? [];
        if (table !== undefined) deletes.push(table);
      },
    });
    const revocations = new Revocations(provider, { clock });
    const lifetimes = { lifetime: day, sessionLifetime: 10 * day };
    const refreshTokens = new RefreshTokens(provider, { ...lifetimes, revocations, clock });
    tokens = new TokenService(makeConfig(clock, { revocations, refreshTokens }));
  });
  afterEach(() => provider.close());

  const signIn = () => tokens.signIn({ subject: 'ann' });
  const count = async (table: keyof TokenTables): Promise<number> =>
    (await provider.db.selectFrom(table).selectAll().execute()).length;
  /** Stands for all the tokens that a session has used in its time. */
  const useMany = async ({ refresh }: TokenPair, many: number): Promise<void> => {
    const used = { family_id: refresh.sessionId, created_at: 1, expires_at: 2, used_at: 3, successor: null };
    for (let start = 0; start < many; start += 500) {
      const rows = Array.from({ length: Math.min(500, many - start) }, (_, index) => ({
        ...used,
        hash: `${refresh.sessionId}-${start + index}`,
      }));
      await provider.db.insertInto('refresh_tokens').values(rows).execute();
    }
  };

  it('however many tokens a session has, and what is not over stays', async () => {
    const [over, unused] = [await signIn(), await signIn()];
    await useMany(over, 2_300);
    await tokens.revoke(unused.access.token);
    clock.advance(5 * day);
    const living = await signIn();
    await useMany(living, 10);
    clock.advance(5 * day + 120_001);
    const last = await signIn();
    await tokens.revoke(last.access.token);

    deletes = [];
    const report = await pruneTokens(provider, { clock });
    expect(report).to.deep.equal({ sessions: 2, refreshTokens: 1, revocations: 1 });
    // 2,302 tokens in three statements, before their sessions; then the one that `living` never used.
    expect(deletes).to.deep.equal([
      ...Array.from({ length: 3 }, () => 'refresh_tokens'),
      'token_families',
      'refresh_tokens',
      'token_revocations',
    ]);
    expect(await count('token_families')).to.equal(2);
    expect(await count('refresh_tokens')).to.equal(11);
    expect(await count('token_revocations')).to.equal(1);
    expect(await pruneTokens(provider, { clock })).to.deep.equal({
      sessions: 0,
      refreshTokens: 0,
      revocations: 0,
    });
    await tokens.refresh(last.refresh.token);
  });

  it('by several at once, who are not in each other’s way', async function () {
    this.timeout(60_000);
    for (let round = 0; round < 2; round += 1) {
      const ids = Array.from({ length: 250 }, () => crypto.randomUUID());
      const over = { subject: 'ann', token_grant: '{}', created_at: 1, expires_at: 2 };
      await provider.db
        .insertInto('token_families')
        .values(ids.map((id) => ({ ...over, id })))
        .execute();
      for (let each = 0; each < 80; each += 1) {
        const token = { created_at: 1, expires_at: 2 };
        const tokensOf = ids.map((id) => ({ ...token, family_id: id, hash: crypto.randomUUID() }));
        await provider.db.insertInto('refresh_tokens').values(tokensOf).execute();
      }
      const reports = await Promise.all([1, 2, 3, 4].map(() => pruneTokens(provider, { clock })));
      expect(reports.reduce((sum, { sessions }) => sum + sessions, 0)).to.equal(ids.length);
      expect(await count('refresh_tokens')).to.equal(0);
    }
  });

  it('however many sessions there are', async () => {
    for (let session = 0; session < 230; session += 1) await signIn();
    clock.advance(20 * day);
    deletes = [];
    expect(await pruneTokens(provider, { clock })).to.include({ sessions: 230 });
    expect(deletes.filter((table) => table === 'token_families')).to.have.length(3);
    expect(await count('refresh_tokens')).to.equal(0);
  });
});
