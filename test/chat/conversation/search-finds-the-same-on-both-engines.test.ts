import { expect } from 'chai';
import fc from 'fast-check';
import { ValidationError } from '../../../src/core/index.ts';
import { searchTokens, type ChatStore, type ThreadId } from '../../../src/chat/index.ts';
import { useChatStores } from '../../support/chat-store.ts';
import { describeOnEachDatabase } from '../../support/database.ts';
import { rejectionOf } from '../../support/rejection.ts';

const start = 1_747_000_000_000;

async function fill(store: ChatStore, contents: readonly string[], sourceId = 'one'): Promise<ThreadId> {
  const messages = contents.map((content, index) => ({
    role: 'user' as const,
    content,
    createdAt: start + index,
  }));
  await store.conversations.importThreads([{ sourceId, createdAt: start, messages }]);
  return (await store.threads.findFirst({ source_id: sourceId }))!.id;
}

async function contentsOf(store: ChatStore, text: string, limit = 1_000): Promise<string[]> {
  const hits = await store.conversations.search(text, { limit });
  return hits.map(({ message }) => message.content);
}

/** What the search promises, in a few lines: every word is there; the denser first, then the later. */
function model(contents: readonly string[], text: string): string[] {
  const wanted = [...new Set(searchTokens(text))];
  if (wanted.length === 0) return [];
  return contents
    .map((content, index) => ({ content, index, tokens: searchTokens(content) }))
    .filter(({ tokens }) => wanted.every((token) => tokens.includes(token)))
    .map((entry) => {
      const occurrences = entry.tokens.filter((token) => wanted.includes(token)).length;
      return { ...entry, score: Math.floor((1_000 * occurrences) / (entry.tokens.length + 10)) };
    })
    .sort((a, b) => b.score - a.score || b.index - a.index)
    .map(({ content }) => content);
}

describeOnEachDatabase('the search', (database) => {
  const open = useChatStores(database);

  it('finds words in any case, with and without accents, and numbers with punctuation', async () => {
    const store = await open();
    await fill(store, [
      'The café opens at 11:30.',
      'Ein CAFE am Fluß',
      'im Winter um 11 und um 30 Grad',
      '日本語のカフェ',
    ]);
    expect(await contentsOf(store, 'cafe')).to.have.members(['The café opens at 11:30.', 'Ein CAFE am Fluß']);
    expect(await contentsOf(store, 'CAFÉ')).to.have.length(2);
    expect(await contentsOf(store, '11:30')).to.deep.equal([
      'The café opens at 11:30.',
      'im Winter um 11 und um 30 Grad',
    ]);
    expect(await contentsOf(store, 'fluss')).to.deep.equal(['Ein CAFE am Fluß']);
    expect(await contentsOf(store, '日本')).to.deep.equal(['日本語のカフェ']);
    expect(await contentsOf(store, 'caf')).to.deep.equal([]);
  });

  it('counts the first 32 different words of what is asked, and no more', async () => {
    const store = await open();
    const wordsFrom = (first: number, count: number) =>
      Array.from({ length: count }, (_, index) => `word${first + index}`).join(' ');
    const content = wordsFrom(1, 32);
    await fill(store, [content]);
    expect(await contentsOf(store, `${content} absent`)).to.deep.equal([content]);
    // A word that comes twice counts once.
    expect(await contentsOf(store, `word1 ${content} absent`)).to.deep.equal([content]);
    expect(await contentsOf(store, `${wordsFrom(1, 31)} absent`)).to.deep.equal([]);
  });

  it('takes any text whatever as words: no input is a syntax error', async () => {
    const store = await open();
    await fill(store, ['plain words']);
    const nasty = [
      '"',
      "'",
      '" OR 1=1 --',
      'a AND NOT b',
      'NEAR(a b)',
      'plain*',
      '^plain',
      'col:plain',
      '(((',
      '!',
      '&|!:*',
      '\\',
      '\0',
      '\ud800',
      '%',
      ';',
      '-',
      '',
    ];
    for (const text of nasty) {
      expect(await contentsOf(store, text), JSON.stringify(text)).to.deep.equal(model(['plain words'], text));
    }
  });

  it('gives the denser message first, and among equals the later', async () => {
    const store = await open();
    const contents = [
      'tea',
      'tea and coffee and tea',
      'coffee',
      'tea with a very long story around it, of no use',
      'tea',
    ];
    await fill(store, contents);
    expect(await contentsOf(store, 'tea')).to.deep.equal(model(contents, 'tea'));
    expect((await contentsOf(store, 'tea')).slice(1, 3)).to.deep.equal(['tea', 'tea']);
  });

  it('finds what the model finds, in its order, for any texts and questions', async () => {
    const store = await open();
    const word = fc.constantFrom(
      'tea',
      'Tea',
      'té',
      'coffee',
      '11',
      '30',
      '日',
      '日本',
      'и',
      "o'clock",
      'x',
      '…',
      '😀',
    );
    const text = fc.array(word, { maxLength: 8 }).map((words) => words.join(' '));
    let run = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(text, { minLength: 1, maxLength: 8 }),
        fc.array(text, { minLength: 1, maxLength: 3 }),
        async (texts, questions) => {
          const contents = texts.map((content) => content || '-');
          run += 1;
          const thread = await fill(store, contents, `run ${run}`);
          for (const question of questions) {
            expect(await contentsOf(store, question)).to.deep.equal(model(contents, question));
          }
          await store.conversations.deleteThread(thread);
        },
      ),
      { numRuns: 40 },
    );
  });

  it('narrows to the threads of a user', async () => {
    const store = await open();
    const user = await store.accounts.findOrCreateByOAuth({
      provider: 'google',
      providerUserId: '1',
      email: 'a@example.org',
    });
    const thread = await store.conversations.startThread({ ownerId: user.id });
    await store.conversations.appendMessage(thread.id, { role: 'user', content: 'mine, of tea' });
    await fill(store, ['of nobody, of tea']);
    const hits = await store.conversations.search('tea', { userId: user.id });
    expect(hits.map(({ message }) => message.content)).to.deep.equal(['mine, of tea']);
  });

  it('looks at the first 256 KiB of a message', async () => {
    const store = await open();
    const thread = await store.conversations.startThread();
    const filler = 'filler '.repeat(40_000);
    await store.conversations.appendMessage(thread.id, {
      role: 'user',
      content: `beginning ${filler} ending`,
    });
    expect(await contentsOf(store, 'beginning')).to.have.length(1);
    expect(await contentsOf(store, 'ending')).to.have.length(0);
  });

  it('indexes the largest message that there may be, of words that are all different', async () => {
    const store = await open();
    const thread = await store.conversations.startThread();
    let content = '';
    for (let number = 0; content.length < 1_048_000; number += 1) content += `${number.toString(36)} `;
    await store.conversations.appendMessage(thread.id, { role: 'user', content });
    expect(await contentsOf(store, 'zz')).to.have.length(1);
  });

  it('refuses a limit that is none, and gives nothing for 0', async () => {
    const { conversations } = await open();
    for (const limit of [-1, 1.5, 1_001, Number.NaN]) {
      expect(await rejectionOf(conversations.search('x', { limit }))).to.be.instanceOf(ValidationError);
    }
    expect(await conversations.search('x', { limit: 0 })).to.deep.equal([]);
  });
});
