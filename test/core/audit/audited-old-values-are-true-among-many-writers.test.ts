import { expect } from 'chai';
import type { FieldChange } from '../../../src/core/audit/index.ts';
import { describeOnEachDatabase } from '../../support/database.ts';
import {
  makeAccount,
  openAudited,
  readTold,
  type AuditedDatabase,
  type ToldEvent,
} from './audited-fixture.ts';

const writers = 24;

describeOnEachDatabase('audited old values are true among many writers', (database) => {
  let audited: AuditedDatabase;
  let last = 0;

  before(async () => {
    audited = await openAudited(await database.freshUrl());
  });
  after(() => audited.provider.close());

  /** What was told since the last call. */
  async function told(): Promise<ToldEvent[]> {
    const { events, last: next } = await readTold(audited, last);
    last = next;
    return events;
  }

  /** Each change of a field begins with what the one before it has left. */
  function expectChain(events: readonly ToldEvent[], field: string, start: unknown): void {
    let value = start;
    for (const { changes } of events) {
      const change = changes.find((each) => each.field === field) as FieldChange;
      expect(change.old).to.equal(value);
      value = change.new;
    }
  }

  const texts = Array.from({ length: writers }, (_, index) => `text ${index}`);

  async function makeNote() {
    const account = await audited.accounts.insert(makeAccount());
    const note = { id: crypto.randomUUID(), account_id: account.id, place: 1, text: 'start' };
    await audited.notes.insert(note);
    await told();
    return { account, note };
  }

  it('of a row without a version, by calls of their own', async () => {
    const { note } = await makeNote();
    await Promise.all(texts.map((text) => audited.notes.update({ ...note, text })));
    const events = await told();
    expect(events).to.have.length(writers);
    expectChain(events, 'text', 'start');
  });

  it('of a row without a version, in units, also where each has read it first', async () => {
    const { note } = await makeNote();
    const write = (text: string): Promise<unknown> =>
      audited.unitOfWork.run(
        async ({ repositories: { notes } }) => {
          await notes.getById(note.id);
          await notes.update({ ...note, text });
        },
        { isolation: 'read committed' },
      );
    await Promise.all(texts.map(write));
    const events = await told();
    expect(events).to.have.length(writers);
    expectChain(events, 'text', 'start');
  });

  it('of a row that all of them upsert: one makes it, and the others change it', async () => {
    for (let round = 0; round < 5; round += 1) {
      const { account } = await makeNote();
      await Promise.all(
        texts.map((text) =>
          audited.notes.upsert(
            { id: crypto.randomUUID(), account_id: account.id, place: 2, text },
            { conflict: ['account_id', 'place'] },
          ),
        ),
      );
      const [made, ...others] = await told();
      expect(made?.action).to.equal('create');
      expect(others.map(({ action }) => action)).to.deep.equal(others.map(() => 'update'));
      expect(others).to.have.length(writers - 1);
      expectChain(others, 'text', made?.changes.find(({ field }) => field === 'text')?.new);
    }
  });

  it('of rows that go with another one while others refer to it and change them', async () => {
    for (let round = 0; round < 10; round += 1) {
      const { account, note } = await makeNote();
      const add = (place: number): Promise<unknown> =>
        audited.notes.insert({ id: crypto.randomUUID(), account_id: account.id, place, text: 'new' });
      await Promise.allSettled([
        ...[2, 3, 4].map(add),
        audited.notes.update({ ...note, text: 'changed' }),
        audited.accounts.delete(account),
        ...[5, 6, 7].map(add),
      ]);
      expect(await audited.notes.count({ account_id: account.id })).to.equal(0);
      const events = await told();
      const notesWhere = (action: string): string[] =>
        events
          .filter((event) => event.action === action && event.entity.startsWith('note '))
          .map(({ entity }) => entity)
          .sort();
      expect(notesWhere('delete')).to.deep.equal([...notesWhere('create'), `note ${note.id}`].sort());
      const aboutNote = events.filter(({ entity }) => entity === `note ${note.id}`);
      expectChain(aboutNote, 'text', 'start');
    }
  });
});
