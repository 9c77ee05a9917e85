/** What the audited tables hold and what their trail tells, in memory. */
import { maskValue } from '../../../src/core/audit/masked-value.ts';
import type { FieldChange } from '../../../src/core/audit/index.ts';
import { auditKeys } from './audit-fixture.ts';
import type { Account, Mark, Note, ToldEvent } from './audited-fixture.ts';

/** An account whose card is open. */
export type ModelAccount = Omit<Account, 'card'> & { readonly card: string | null };

type Fields = Readonly<Record<string, unknown>>;

const fieldsOf = {
  account: ['id', 'name', 'pin', 'card', 'data', 'bytes', 'weight', 'seen', 'created_at', 'version'],
  note: ['id', 'account_id', 'place', 'text'],
  mark: ['note_id', 'label', 'color'],
} as const;

type Entity = keyof typeof fieldsOf;

/** The state of the tables, and the events of what led to it. */
export class AuditedModel {
  readonly accounts: Map<string, ModelAccount>;
  readonly notes: Map<string, Note>;
  readonly marks: Map<string, Mark>;
  readonly events: ToldEvent[];

  constructor(from?: AuditedModel) {
    this.accounts = new Map(from?.accounts);
    this.notes = new Map(from?.notes);
    this.marks = new Map(from?.marks);
    this.events = [...(from?.events ?? [])];
  }

  /** Takes over what a scope inside has come to. */
  adopt(inner: AuditedModel): void {
    for (const name of ['accounts', 'notes', 'marks'] as const) {
      this[name].clear();
      for (const [key, row] of inner[name]) (this[name] as Map<string, unknown>).set(key, row);
    }
    this.events.splice(0, this.events.length, ...inner.events);
  }

  storeAccount(row: ModelAccount): void {
    this.#tell('account', row.id, this.accounts.get(row.id), row);
    this.accounts.set(row.id, row);
  }

  storeNote(row: Note): void {
    this.#tell('note', row.id, this.notes.get(row.id), row);
    this.notes.set(row.id, row);
  }

  storeMark(row: Mark): void {
    this.#tell('mark', markId(row), this.marks.get(markId(row)), row);
    this.marks.set(markId(row), row);
  }

  deleteAccount(id: string): void {
    this.#tell('account', id, this.accounts.get(id), undefined);
    this.accounts.delete(id);
    for (const note of this.notes.values()) {
      if (note.account_id === id) this.deleteNote(note.id, { entity: 'account', id });
    }
  }

  deleteNote(id: string, cascade?: unknown): void {
    this.#tell('note', id, this.notes.get(id), undefined, cascade);
    this.notes.delete(id);
    for (const mark of this.marks.values()) {
      if (mark.note_id === id) this.deleteMark(mark, { entity: 'note', id });
    }
  }

  deleteMark(mark: Mark, cascade?: unknown): void {
    this.#tell('mark', markId(mark), this.marks.get(markId(mark)), undefined, cascade);
    this.marks.delete(markId(mark));
  }

  #tell(entity: Entity, id: string, before?: object, after?: object, cascade?: unknown): void {
    const action = before === undefined ? 'create' : after === undefined ? 'delete' : 'update';
    const changes = fieldsOf[entity].flatMap((field): FieldChange[] => {
      const old = before && shown(entity, field, (before as Fields)[field]);
      const next = after && shown(entity, field, (after as Fields)[field]);
      if (before === undefined) return [{ field, new: next }];
      if (after === undefined) return [{ field, old }];
      // What is encrypted is sealed anew by each write, and nobody can tell whether it is the same.
      const isSame = JSON.stringify(old) === JSON.stringify(next) && !(field === 'card' && next !== null);
      return isSame ? [] : [{ field, old, new: next }];
    });
    if (action === 'update' && changes.length === 0) return;
    this.events.push({ action, entity: `${entity} ${id}`, changes, cascade });
  }
}

export function markId({ note_id, label }: Mark): string {
  return JSON.stringify([note_id, label]);
}

function shown(entity: Entity, field: string, value: unknown): unknown {
  if (value === null) return null;
  if (field === 'card') return { $sealed: true };
  if (field === 'pin') return maskValue(auditKeys(), { entity, field }, value as string);
  if (value instanceof Uint8Array) return { $bytes: Buffer.from(value).toString('base64') };
  return value;
}

/** Events in a form that can be compared: JSON columns by their values, and what goes with one row in any order. */
export function comparable(events: readonly ToldEvent[]): string[] {
  const told = events.map((event) => ({
    isCascaded: event.cascade !== undefined,
    text: JSON.stringify({ ...event, changes: event.changes.map(openJson) }, sortMembers),
  }));
  for (let from = 0; from < told.length; from += 1) {
    if (!told[from]!.isCascaded) continue;
    let to = from;
    while (told[to]?.isCascaded) to += 1;
    told.splice(
      from,
      to - from,
      ...told.slice(from, to).sort((one, other) => (one.text < other.text ? -1 : 1)),
    );
    from = to;
  }
  return told.map(({ text }) => text);
}

function openJson(change: FieldChange): FieldChange {
  if (change.field !== 'data') return change;
  const open = (value: unknown): unknown => (typeof value === 'string' ? JSON.parse(value) : value);
  return {
    field: 'data',
    ...('old' in change && { old: open(change.old) }),
    ...('new' in change && { new: open(change.new) }),
  };
}

function sortMembers(_name: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1)));
}
