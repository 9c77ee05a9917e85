import { expect } from 'chai';
import fc from 'fast-check';
import type { Kysely } from 'kysely';
import {
  ForeignKeyViolationError,
  NotFoundError,
  Secret,
  StaleEntityError,
  UniqueViolationError,
} from '../../../src/core/index.ts';
import { describeOnEachDatabase } from '../../support/database.ts';
import { soakCount } from '../../support/engines.ts';
import {
  makeAccount,
  openAudited,
  readTold,
  type Account,
  type Accounts,
  type AuditedDatabase,
  type AuditedTables,
  type Marks,
  type Notes,
} from './audited-fixture.ts';
import { AuditedModel, comparable, markId, type ModelAccount } from './audited-model.ts';

interface Target {
  readonly db: Kysely<AuditedTables>;
  readonly accounts: Accounts;
  readonly notes: Notes;
  readonly marks: Marks;
}

const ids = Array.from({ length: 4 }, (_, index) => `0000000${index}-aaaa-4bbb-8ccc-dddddddddddd`);
const anId = fc.constantFrom(...ids);
const canary = 'geheim-7f3a';

const accountFields = fc.record({
  name: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'),
  pin: fc.constantFrom(null, `${canary}-1`, `${canary}-2`),
  card: fc.constantFrom(null, `${canary}-3`, `${canary}-4`),
  data: fc.constantFrom(null, '{"a":1}', '[true,null]', '"text"'),
  bytes: fc.constantFrom(null, Buffer.from([1, 2]), Buffer.from([0, 255])),
  weight: fc.constantFrom(null, 0, 0.1, 1e300),
  seen: fc.constantFrom(0, 1),
  updated_at: fc.integer({ min: 1, max: 3 }),
});

const operations = fc.oneof(
  fc.record({ kind: fc.constant('insert' as const), id: anId, fields: accountFields }),
  fc.record({
    kind: fc.constant('insertMany' as const),
    rows: fc.uniqueArray(fc.record({ id: anId, fields: accountFields }), {
      maxLength: 3,
      selector: ({ id }) => id,
    }),
  }),
  fc.record({
    kind: fc.constant('update' as const),
    id: anId,
    fields: fc.option(accountFields, { nil: {} }),
    isStale: fc.boolean(),
  }),
  fc.record({ kind: fc.constant('upsert' as const), id: anId, fields: accountFields }),
  fc.record({ kind: fc.constant('delete' as const), id: anId, isStale: fc.boolean() }),
  fc.record({ kind: fc.constant('deleteById' as const), id: anId }),
  fc.record({ kind: fc.constant('read' as const), id: anId, isListed: fc.boolean() }),
  // Statements of one's own, of which no event tells.
  fc.record({
    kind: fc.constant('touch' as const),
    id: anId,
    seen: fc.integer({ min: 0, max: 3 }),
    versions: fc.integer({ min: 0, max: 1 }),
  }),
  fc.record({ kind: fc.constant('replace' as const), id: anId, pin: fc.constantFrom(null, `${canary}-5`) }),
  fc.record({
    kind: fc.constantFrom(
      'insertNote' as const,
      'updateNote' as const,
      'upsertNote' as const,
      'upsertPlace' as const,
    ),
    id: anId,
    account_id: anId,
    place: fc.integer({ min: 1, max: 2 }),
    text: fc.constantFrom(null, 'x', 'y'),
  }),
  fc.record({ kind: fc.constantFrom('deleteNote' as const, 'readNotes' as const), id: anId }),
  fc.record({
    kind: fc.constantFrom('upsertMark' as const, 'updateMark' as const, 'deleteMark' as const),
    note_id: anId,
    label: fc.constantFrom('l', 'm'),
    color: fc.constantFrom(null, 'red', 'blue'),
  }),
);

type Operation = typeof operations extends fc.Arbitrary<infer Value> ? Value : never;

interface Unit {
  readonly kind: 'unit';
  readonly steps: readonly (Operation | Unit)[];
  readonly fails: boolean;
}

const units: fc.Arbitrary<Unit> = fc.letrec<{ unit: Unit }>((tie) => ({
  unit: fc.record({
    kind: fc.constant('unit' as const),
    steps: fc.array(
      fc.oneof({ maxDepth: 2 }, { arbitrary: operations, weight: 8 }, { arbitrary: tie('unit'), weight: 1 }),
      {
        maxLength: 8,
      },
    ),
    fails: fc.integer({ min: 0, max: 3 }).map((draw) => draw === 0),
  }),
})).unit;

/** What ends a scope; the model knows of it. */
class Undone extends Error {}

const violations = [UniqueViolationError, ForeignKeyViolationError];

describeOnEachDatabase('audited repositories tell every change', (database) => {
  let audited: AuditedDatabase;
  let model: AuditedModel;
  let last: number;

  before(async () => {
    audited = await openAudited(await database.freshUrl());
    last = 0;
  });
  after(() => audited.provider.close());

  it('once, with the true old and new values, and nothing that was undone', async function () {
    this.timeout(600_000);
    let told = 0;
    const property = fc.asyncProperty(
      fc.array(fc.oneof(units, operations), { maxLength: 12 }),
      async (steps) => {
        await audited.provider.db.deleteFrom('accounts').execute();
        model = new AuditedModel();
        for (const step of steps) await runStep(step, { ...audited, db: audited.provider.db }, model);
        const trail = await readTold(audited, last);
        last = trail.last;
        told += trail.events.length;
        expect(comparable(trail.events)).to.deep.equal(comparable(model.events));
        await expectRows(model);
      },
    );
    await fc.assert(property, { numRuns: soakCount(2_000), interruptAfterTimeLimit: 500_000 });
    expect(told).to.be.above(200);
    const stored = JSON.stringify(await audited.provider.db.selectFrom('audit_logs').selectAll().execute());
    expect(stored).to.not.include(canary);
    // Envelopes begin so; the trail holds none.
    expect(stored).to.not.include('"l1.');
    expect(stored).to.include('$masked').and.to.include('$sealed');
  });

  async function runStep(step: Operation | Unit, target: Target, state: AuditedModel): Promise<void> {
    const inner = new AuditedModel(state);
    try {
      if (step.kind === 'unit') {
        await audited.unitOfWork.run(async ({ repositories, db }) => {
          const { accounts, notes, marks } = repositories;
          for (const each of step.steps) {
            // What violates a constraint undoes the scope that it is in.
            if (each.kind === 'unit') await runStep(each, target, inner);
            else await operate(each, { accounts, notes, marks, db }, inner);
          }
          if (step.fails) throw new Undone();
        });
      } else {
        await operate(step, target, inner);
      }
    } catch (error) {
      if (error instanceof Undone) return;
      throw error;
    }
    state.adopt(inner);
  }

  async function operate(step: Operation, target: Target, state: AuditedModel): Promise<void> {
    const { accounts, notes, marks, db } = target;
    switch (step.kind) {
      case 'insert':
      case 'insertMany': {
        const rows = (step.kind === 'insert' ? [step] : step.rows).map(({ id, fields }) => fresh(id, fields));
        const taken = new Set([...state.accounts.values()].map(({ name }) => name));
        const isTaken = rows.some(
          ({ id, name }) => state.accounts.has(id) || taken.size === taken.add(name).size,
        );
        const call =
          step.kind === 'insert' ? accounts.insert(sealed(rows[0]!)) : accounts.insertMany(rows.map(sealed));
        await expectEnd(call, isTaken ? UniqueViolationError : undefined);
        for (const row of rows) state.storeAccount(row);
        return;
      }
      case 'update': {
        const row = state.accounts.get(step.id);
        const next = { ...(row ?? fresh(step.id, {})), ...step.fields };
        const fault = row === undefined ? NotFoundError : step.isStale ? StaleEntityError : undefined;
        const entity = sealed({ ...next, version: next.version - (step.isStale ? 1 : 0) });
        const isTaken = fault === undefined && nameIsTaken(next, state);
        if (!(await expectEnd(accounts.update(entity), isTaken ? UniqueViolationError : fault))) return;
        const updated_at = Math.max(next.updated_at, row!.updated_at);
        state.storeAccount({ ...next, updated_at, version: row!.version + 1 });
        return;
      }
      case 'upsert': {
        const row = state.accounts.get(step.id);
        const next = { ...fresh(step.id, step.fields), created_at: row?.created_at ?? 9 };
        const call = accounts.upsert(sealed({ ...next, created_at: 9 }));
        await expectEnd(call, nameIsTaken(next, state) ? UniqueViolationError : undefined);
        const updated_at = Math.max(next.updated_at, row?.updated_at ?? 0);
        state.storeAccount({ ...next, updated_at, version: row === undefined ? 1 : row.version + 1 });
        return;
      }
      case 'delete': {
        const row = state.accounts.get(step.id);
        const fault = row === undefined ? NotFoundError : step.isStale ? StaleEntityError : undefined;
        const entity = row ?? fresh(step.id, {});
        const call = accounts.delete(sealed({ ...entity, version: entity.version + (step.isStale ? 1 : 0) }));
        if (await expectEnd(call, fault)) state.deleteAccount(step.id);
        return;
      }
      case 'deleteById':
        expect(await accounts.deleteById(step.id)).to.equal(state.accounts.has(step.id));
        if (state.accounts.has(step.id)) state.deleteAccount(step.id);
        return;
      case 'read':
        if (step.isListed) await accounts.findMany({});
        else await accounts.findById(step.id);
        return;
      case 'touch': {
        const row = state.accounts.get(step.id);
        if (row === undefined) return;
        const { seen } = step;
        const version = row.version + step.versions;
        await db.updateTable('accounts').set({ seen, version }).where('id', '=', step.id).execute();
        state.accounts.set(step.id, { ...row, seen, version });
        return;
      }
      case 'replace': {
        // Deleted and made anew, so that another row stands at the same version.
        const row = state.accounts.get(step.id);
        if (row === undefined) return;
        const stored = await db
          .selectFrom('accounts')
          .selectAll()
          .where('id', '=', step.id)
          .executeTakeFirstOrThrow();
        await db.deleteFrom('accounts').where('id', '=', step.id).execute();
        await db
          .insertInto('accounts')
          .values({ ...stored, pin: step.pin })
          .execute();
        const silent = new AuditedModel(state);
        silent.deleteAccount(step.id);
        silent.accounts.set(step.id, { ...row, pin: step.pin });
        silent.events.splice(0, silent.events.length, ...state.events);
        state.adopt(silent);
        return;
      }
      case 'insertNote':
      case 'updateNote':
      case 'upsertNote':
      case 'upsertPlace': {
        const { kind, ...note } = step;
        const row = state.notes.get(note.id);
        const atPlace = [...state.notes.values()].find(
          ({ account_id, place }) => account_id === note.account_id && place === note.place,
        );
        const isOther = atPlace !== undefined && atPlace.id !== note.id;
        const hasAccount = state.accounts.has(note.account_id);
        if (kind === 'insertNote') {
          const isTaken = row !== undefined || isOther;
          await expectEnd(
            notes.insert(note),
            isTaken ? violations : hasAccount ? undefined : ForeignKeyViolationError,
          );
          state.storeNote(note);
        } else if (kind === 'updateNote') {
          const fault = row === undefined ? NotFoundError : isOther || !hasAccount ? violations : undefined;
          if (await expectEnd(notes.update(note), fault)) state.storeNote(note);
        } else if (kind === 'upsertNote') {
          await expectEnd(notes.upsert(note), isOther || !hasAccount ? violations : undefined);
          state.storeNote(note);
        } else {
          const isTaken = atPlace === undefined && row !== undefined;
          const call = notes.upsert(note, { conflict: ['account_id', 'place'] });
          await expectEnd(call, isTaken || !hasAccount ? violations : undefined);
          // The row that is there keeps its key.
          state.storeNote({ ...note, id: atPlace?.id ?? note.id });
        }
        return;
      }
      case 'deleteNote': {
        const row = state.notes.get(step.id);
        const call = notes.delete(row ?? { id: step.id, account_id: step.id, place: 1, text: null });
        if (await expectEnd(call, row === undefined ? NotFoundError : undefined)) state.deleteNote(step.id);
        return;
      }
      case 'readNotes':
        await notes.findMany({ id: step.id });
        return;
      case 'upsertMark':
      case 'updateMark':
      case 'deleteMark': {
        const { kind, ...mark } = step;
        const isThere = state.marks.has(markId(mark));
        if (kind === 'upsertMark') {
          await expectEnd(marks.upsert(mark), state.notes.has(mark.note_id) ? undefined : violations);
          state.storeMark(mark);
        } else if (kind === 'updateMark') {
          if (await expectEnd(marks.update(mark), isThere ? undefined : NotFoundError)) state.storeMark(mark);
        } else if (await expectEnd(marks.delete(mark), isThere ? undefined : NotFoundError)) {
          state.deleteMark(mark);
        }
      }
    }
  }

  type ErrorClass = abstract new (...args: never[]) => Error;

  /** @returns whether a call has come through. @throws Undone where it has violated a constraint, as was expected */
  async function expectEnd(
    call: Promise<unknown>,
    fault: ErrorClass | readonly ErrorClass[] | undefined,
  ): Promise<boolean> {
    const faults = fault === undefined ? [] : [fault].flat();
    try {
      await call;
    } catch (error) {
      if (!faults.some((each) => error instanceof each)) throw error;
      if (violations.some((each) => error instanceof each)) throw new Undone();
      return false;
    }
    expect(faults, 'it was to fail').to.deep.equal([]);
    return true;
  }

  async function expectRows(state: AuditedModel): Promise<void> {
    const { accounts, notes, marks } = audited;
    const [stored, storedNotes, storedMarks] = [
      await accounts.findMany({}),
      await notes.findMany({}),
      await marks.findMany({}),
    ];
    expect(stored.map(({ id, name, seen, version }) => ({ id, name, seen, version }))).to.deep.equal(
      byKey(state.accounts).map(({ id, name, seen, version }) => ({ id, name, seen, version })),
    );
    expect(storedNotes).to.deep.equal(byKey(state.notes));
    expect(storedMarks).to.deep.equal(byKey(state.marks));
  }
});

function byKey<Row>(rows: ReadonlyMap<string, Row>): Row[] {
  return [...rows].sort(([one], [other]) => (one < other ? -1 : 1)).map(([, row]) => row);
}

function fresh(id: string, fields: Partial<ModelAccount>): ModelAccount {
  return { ...makeAccount({ id, name: `of ${id}` }), card: null, ...fields };
}

function sealed(row: ModelAccount): Account {
  return { ...row, card: row.card === null ? null : new Secret(row.card) };
}

function nameIsTaken(row: ModelAccount, { accounts }: AuditedModel): boolean {
  return [...accounts.values()].some(({ id, name }) => name === row.name && id !== row.id);
}
