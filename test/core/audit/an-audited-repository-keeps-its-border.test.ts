import { expect } from 'chai';
import { auditedTarget } from '../../../src/core/audit/index.ts';
import { ForbiddenError, NotFoundError } from '../../../src/core/index.ts';
import { RowScope, scoped } from '../../../src/core/security/index.ts';
import { describeOnEachDatabase } from '../../support/database.ts';
import { rejectionOf } from '../../support/rejection.ts';
import {
  makeAccount,
  notesOf,
  openAudited,
  readTold,
  type AuditedDatabase,
  type Note,
} from './audited-fixture.ts';

describeOnEachDatabase('an audited repository keeps its border', (database) => {
  let audited: AuditedDatabase;
  let mine: Note;
  let theirs: Note;
  let last: number;

  before(async () => {
    audited = await openAudited(await database.freshUrl());
  });
  after(() => audited.provider.close());

  beforeEach(async () => {
    const [me, other] = [makeAccount(), makeAccount()];
    await audited.accounts.insertMany([me, other]);
    mine = { id: crypto.randomUUID(), account_id: me.id, place: 1, text: 'mine' };
    theirs = { ...mine, id: crypto.randomUUID(), account_id: other.id };
    await audited.notes.insertMany([mine, theirs]);
    ({ last } = await readTold(audited));
  });

  const told = async (): Promise<string[]> =>
    (await readTold(audited, last)).events.map(({ action, entity }) => `${action} ${entity}`);

  /** The two ways in which a border and the audit trail stand behind a repository. */
  const notesIn: Record<
    string,
    () => Pick<ReturnType<typeof notesOf>, 'insert' | 'update' | 'upsert' | 'delete'>
  > = {
    'of a scoped repository': () => scoped(audited.notes, { column: 'account_id', actor: mine.account_id }),
    'of a target within a scope': () => {
      const scope = new RowScope({ rules: { notes: { column: 'account_id' } }, actor: mine.account_id });
      return scope.offer(notesOf(auditedTarget(scope.provider(audited.provider), audited.audit.notes)));
    },
  };

  for (const [title, make] of Object.entries(notesIn)) {
    it(`${title}: own rows are changed and told of`, async () => {
      const notes = make();
      const made = { ...mine, id: crypto.randomUUID(), place: 2 };
      await notes.insert(made);
      await notes.update({ ...made, text: 'new' });
      await notes.upsert({ ...made, text: 'newer' });
      await audited.provider.transaction((on) => notes.delete(made, { on }));
      const note = `note ${made.id}`;
      expect(await told()).to.deep.equal([
        `create ${note}`,
        `update ${note}`,
        `update ${note}`,
        `delete ${note}`,
      ]);
    });

    it(`${title}: what goes with a row is told of, though no rule lets anybody see it`, async () => {
      await audited.marks.insert({ note_id: mine.id, label: 'l', color: null });
      ({ last } = await readTold(audited));
      await make().delete(mine);
      const mark = JSON.stringify([mine.id, 'l']);
      expect(await told()).to.deep.equal([`delete note ${mine.id}`, `delete mark ${mark}`]);
    });

    it(`${title}: those of others are neither changed nor told of`, async () => {
      const notes = make();
      const foreign = { ...theirs, account_id: mine.account_id, place: 5, text: 'taken' };
      expect(await rejectionOf(notes.update(foreign))).to.be.instanceOf(NotFoundError);
      expect(await rejectionOf(notes.delete(theirs))).to.be.instanceOf(NotFoundError);
      expect(await rejectionOf(notes.upsert(foreign))).to.be.instanceOf(ForbiddenError);
      expect(
        await rejectionOf(notes.insert({ ...theirs, id: crypto.randomUUID(), place: 7 })),
      ).to.be.instanceOf(ForbiddenError);
      expect(await audited.notes.findById(theirs.id)).to.deep.equal(theirs);
      expect(await told()).to.deep.equal([]);
    });
  }
});
