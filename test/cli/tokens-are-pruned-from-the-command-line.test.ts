import { expect } from 'chai';
import { RefreshTokens, Revocations } from '../../src/core/security/index.ts';
import { openTokenDatabase } from '../core/security/tokens/tokens-fixture.ts';
import { describeOnDatabase, type TestDatabase } from '../support/database.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { runHere } from './run-bin.ts';

function describeOnLasting(title: string, body: (database: TestDatabase) => void): void {
  describeOnDatabase('sqlite-file', title, body);
  describeOnDatabase('postgres', title, body);
}

// The command goes by the machine's clock, so that what is to live has to end far from now.
const long = 300 * 86_400_000;

describeOnLasting('tokens are pruned from the command line', (database) => {
  it('which tells what was deleted, for people and for programs', async () => {
    const url = await database.freshUrl();
    await using provider = await openTokenDatabase(url);
    const past = new FakeClock();
    const revocations = new Revocations(provider, { clock: past });
    const old = { lifetime: 60_000, sessionLifetime: 120_000, revocations, clock: past };
    const lasting = new RefreshTokens(provider, { lifetime: long, sessionLifetime: long });
    const living = await lasting.begin({ subject: 'ann' });
    for (const subject of ['ann', 'ben', 'cleo']) await new RefreshTokens(provider, old).begin({ subject });
    await new RefreshTokens(provider, old).revokeSubject('cleo');
    const run = (...args: string[]) => runHere(['tokens', 'prune', ...args, '--database', url]);

    const people = await run();
    expect({ code: people.code, stderr: people.stderr }).to.deep.equal({ code: 0, stderr: '' });
    expect(people.stdout).to.match(
      /^Deleted on \w+ \S+: 3 sessions with their refresh tokens, 0 refresh tokens that were not used in time, 1 revocation\.\n$/,
    );
    const programs = await run('--json');
    expect({ code: programs.code, stderr: programs.stderr }).to.deep.equal({ code: 0, stderr: '' });
    expect(JSON.parse(programs.stdout)).to.include({ sessions: 0, refreshTokens: 0, revocations: 0 });
    expect(await lasting.rotate(living.token)).to.include({ sessionId: living.sessionId });
  });

  it('and refuses a database without the tables, or none', async () => {
    const url = await database.freshUrl();
    const { code, stdout, stderr } = await runHere(['tokens', 'prune', '--database', url]);
    expect({ code, stdout }).to.deep.equal({ code: 1, stdout: '' });
    expect(stderr).to.match(/^error: [^\n]+\n$/);
  });
});
