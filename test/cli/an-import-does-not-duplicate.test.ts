import { expect } from 'chai';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openChatStore } from '../../src/chat/index.ts';
import { describeOnDatabase, type TestDatabase } from '../support/database.ts';
import { makeTempDirectory } from '../support/temp-directory.ts';
import { runBin } from './run-bin.ts';

const conversations = [
  {
    id: '1_00000',
    services: ['Restaurants_2', 'Hotels_1'],
    turns: [
      { role: 'user', content: 'A table at the café, please.' },
      { role: 'assistant', content: 'At 11:30?' },
    ],
  },
  { id: '1_00001', turns: [{ role: 'system', content: 'Be brief.' }] },
];

function describeOnLasting(title: string, body: (database: TestDatabase) => void): void {
  describeOnDatabase('sqlite-file', title, body);
  describeOnDatabase('postgres', title, body);
}

describeOnLasting('an import', (database) => {
  it('stores the conversations once, however often it runs', async () => {
    const url = await database.freshUrl();
    const cwd = makeTempDirectory('cli');
    const lines = conversations.map((conversation) => JSON.stringify(conversation));
    // A blank line, and none at the end: both are common.
    writeFileSync(join(cwd, 'some.jsonl'), `${lines.join('\n\n')}`);

    const first = await runBin(['import', 'some.jsonl', '--database', url, '--json'], { cwd });
    expect(first.code, first.stderr).to.equal(0);
    expect(JSON.parse(first.stdout)).to.include({ threads: 2, messages: 3, skipped: 0 });
    const second = await runBin(['import', 'some.jsonl', '--database', url], { cwd });
    expect(second.stdout).to.match(/^Imported 0 threads with 0 messages into .* 2 were there already\.\n$/);
    // The database may as well be said by the project's configuration.
    writeFileSync(
      join(cwd, 'liminal.config.ts'),
      `export default { database: ${JSON.stringify(url)} satisfies string };`,
    );
    const third = await runBin(['import', 'some.jsonl', '--json'], { cwd });
    expect(third.code, third.stderr).to.equal(0);
    expect(JSON.parse(third.stdout)).to.include({ threads: 0, messages: 0, skipped: 2 });

    await using store = await openChatStore({ database: url });
    const { items } = await store.conversations.pageThreads();
    expect(items.map(({ sourceId, title, createdAt }) => [sourceId, title, createdAt])).to.deep.equal([
      ['1_00001', undefined, 1_747_000_060_000],
      ['1_00000', 'Restaurants_2, Hotels_1', 1_747_000_000_000],
    ]);
    const [hit] = await store.conversations.search('cafe');
    expect(hit?.message.content).to.equal('A table at the café, please.');
  });
});
