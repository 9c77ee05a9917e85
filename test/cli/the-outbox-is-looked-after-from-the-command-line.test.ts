import { expect } from 'chai';
import { Outbox, OutboxRelay } from '../../src/core/outbox/index.ts';
import { openOutboxDatabase, type TestTopics } from '../core/outbox/outbox-fixture.ts';
import { describeOnDatabase, type TestDatabase } from '../support/database.ts';
import { runHere } from './run-bin.ts';

function describeOnLasting(title: string, body: (database: TestDatabase) => void): void {
  describeOnDatabase('sqlite-file', title, body);
  describeOnDatabase('postgres', title, body);
}

describeOnLasting('the outbox on the command line', (database) => {
  it('tells what waits and what is dead, and puts dead letters back', async () => {
    const url = await database.freshUrl();
    await using provider = await openOutboxDatabase(url);
    const outbox = new Outbox<TestTopics>(provider);
    const run = (...args: string[]) => runHere(['outbox', ...args, '--database', url]);
    const runJson = async (...args: string[]) => {
      const { code, stdout, stderr } = await run(...args, '--json');
      expect({ code, stderr }).to.deep.equal({ code: 0, stderr: '' });
      return JSON.parse(stdout) as { topics?: Record<string, unknown>[]; replayed?: number };
    };
    const publish = (n: number) =>
      provider.transaction((tx) => outbox.publish(tx, { topic: 'work', key: 'a', payload: { n } }));

    expect((await run('status')).stdout).to.match(/^No message and no dead letter on /);
    const poison = await publish(1);
    await publish(2);
    await using relay = new OutboxRelay<TestTopics>(provider, {
      retry: { attempts: 1 },
      deliver: async ({ id }) => {
        if (id === poison) throw new Error('down');
      },
    });
    await relay.runOnce();
    await relay.runOnce();
    await publish(3);
    const { topics } = await runJson('status');
    expect(topics).to.have.lengthOf(1);
    expect(topics?.[0]).to.include({ topic: 'work', pending: 1, leased: 0, failing: 0, dead: 1 });
    expect(topics?.[0]?.['oldestAge']).to.be.a('number');
    expect((await run('status')).stdout).to.match(
      /^work {2}1 pending \(0 leased, 0 failing\), oldest \d+ s; 1 dead\n$/,
    );

    const replayed = await run('replay', '--id', poison);
    expect(replayed.code, replayed.stderr).to.equal(0);
    expect(replayed.stdout).to.match(/^1 dead letter is back in the line on .*\n1 of them come late: .*\n$/);
    expect(await runJson('replay', '--topic', 'work')).to.include({ replayed: 0, overtaken: 0 });
    expect((await run('replay', '--all')).stdout).to.match(/^No such dead letter on /);
    const { topics: after } = await runJson('status');
    expect(after?.[0]).to.include({ pending: 2, dead: 0 });
  });

  it('refuses a replay that does not say of what, and a database that is not there', async () => {
    const url = await database.freshUrl();
    for (const args of [[], ['--all', '--topic', 'work']]) {
      const { code, stderr } = await runHere(['outbox', 'replay', ...args, '--database', url]);
      expect(code).to.equal(2);
      expect(stderr).to.match(/--id, --topic or --all/);
    }
    const { code, stderr } = await runHere(['outbox', 'replay', '--id', 'x', '--database', url]);
    expect(code).to.equal(1);
    expect(stderr).to.match(/^error: /);
  });
});
