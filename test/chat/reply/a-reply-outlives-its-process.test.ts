import { expect } from 'chai';
import { startProgram } from '../../support/child-program.ts';
import { describeOnDatabase, type TestDatabase } from '../../support/database.ts';
import { openChatStore, type ReplyModel } from '../../../src/chat/index.ts';
import { rejectionOf } from '../../support/rejection.ts';
import { until } from '../../support/until.ts';
import { feedModel } from './models.ts';

const program = new URL('./replying-program.ts', import.meta.url);
const leaseDuration = 600;

function declare(database: TestDatabase): void {
  /** Kills a process while its answer grows. @returns what becomes of the answer, with a model that goes on with it */
  async function outcomeWith(model: ReplyModel): Promise<{ content: string; status: string }[]> {
    const url = await database.freshUrl();
    await using store = await openChatStore({ database: url });
    const { id: threadId } = await store.conversations.startThread({ title: 'Lunch' });
    const child = startProgram(program, [url, threadId, String(leaseDuration)]);
    expect(await child.line(0)).to.equal('growing');
    child.kill('SIGKILL');
    await child.ended;
    store.replies({ model, leaseDuration });
    const answers = () => store.messages.findMany({ role: 'assistant' });
    await until(async () => {
      const [answer] = await answers();
      return answer?.status !== 'pending' && answer?.status !== 'streaming';
    }, 20_000);
    return (await answers()).map(({ content, status }) => ({ content, status }));
  }

  it('by another one, which asks again and completes it', async function () {
    this.timeout(40_000);
    const said = await outcomeWith(() => 'Right here.');
    expect(said).to.deep.equal([{ content: 'Right here.', status: 'complete' }]);
  });

  it('and whoever waits for it elsewhere may stop waiting', async function () {
    this.timeout(40_000);
    const url = await database.freshUrl();
    const fed = feedModel();
    await using working = await openChatStore({ database: url });
    await using waiting = await openChatStore({ database: url });
    const { id } = await working.conversations.startThread({});
    const question = { content: 'Where?' };
    const key = { idempotencyKey: 'request-1' };
    const reply = working.replies({ model: fed.model }).reply(id, question, key);
    await fed.asked();
    const stop = new AbortController();
    const waited = waiting
      .replies({ model: () => 'no' })
      .reply(id, question, { ...key, signal: stop.signal });
    stop.abort(new RangeError('enough'));
    expect(await rejectionOf(waited)).to.be.instanceOf(RangeError);
    fed.say('Here.');
    fed.end();
    expect(await reply).to.include({ content: 'Here.', status: 'complete' });
  });

  it('or is marked as an error where the model fails there', async function () {
    this.timeout(40_000);
    const said = await outcomeWith(() => {
      throw new Error('the model is tired');
    });
    expect(said).to.deep.equal([{ content: '', status: 'error' }]);
  });
}

const title = 'a reply whose process is killed is carried on';
describeOnDatabase('sqlite-file', title, declare);
describeOnDatabase('postgres', title, declare);
