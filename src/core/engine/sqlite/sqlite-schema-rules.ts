import type { AssessmentDraft, StatementRule } from '../assessment-draft.ts';
import type { SqlToken } from '../sql-tokens.ts';
import { findWord, holds, isWord, startsWith, TokenReader } from '../token-reader.ts';

/** ALTER TABLE, the only ALTER that there is. */
export const judgeAlterTable: StatementRule = (tokens, draft) => {
  draft.kind = 'alter table';
  const reader = new TokenReader(tokens);
  reader.take('alter', 'table');
  const table = tableOf(reader, draft);
  draft.touch(table);
  draft.alter(table);
  const isNew = draft.isNew(table);
  if (reader.take('rename', 'to')) {
    draft.rename(table, draft.nameOfNew(partsOf(reader), table.startsWith('temp.')));
    if (!isNew) draft.danger('rename-table', table);
    return;
  }
  const verb = reader.takeOneOf('rename', 'add', 'drop', 'alter');
  if (isNew) return;
  if (verb === 'add' && (startsWith(reader.rest, ['constraint']) || startsWith(reader.rest, ['check']))) {
    draft.danger('add-check', table);
    return;
  }
  const isConstraint = verb === 'drop' && reader.take('constraint');
  reader.take('column');
  const column = `${table}.${reader.takeName()?.join('.') ?? ''}`;
  if (verb === 'rename') draft.danger('rename-column', column);
  else if (verb === 'add') judgeNewColumn(column, reader.rest, draft);
  else if (isConstraint) draft.danger('drop-constraint', column);
  else if (verb === 'alter' && reader.take('set', 'not', 'null')) draft.danger('set-not-null', column);
  else if (verb === 'alter' && reader.take('drop', 'not', 'null')) return;
  else if (verb === 'drop') {
    draft.rewrites = true;
    draft.danger('drop-column', column);
  } else draft.danger('unknown-statement', 'this ALTER TABLE');
};

/** What SQLite refuses of a new column, in part only where the table has rows. */
function judgeNewColumn(column: string, definition: readonly SqlToken[], draft: AssessmentDraft): void {
  const start = findWord(definition, 'default');
  const value = start < 0 ? undefined : definition[start + 1];
  const isNull = value === undefined || isWord(value, 'null');
  const isComputed =
    (value?.kind === 'sign' && value.text === '(') ||
    ['current_timestamp', 'current_date', 'current_time'].some((word) => isWord(value, word));
  const isStored = holds(definition, 'stored') && holds(definition, 'as');
  if (holds(definition, 'not', 'null') && isNull && !holds(definition, 'as')) {
    draft.danger('add-column-not-null', column);
  }
  const isRefused =
    isComputed ||
    isStored ||
    holds(definition, 'unique') ||
    holds(definition, 'primary', 'key') ||
    (holds(definition, 'references') && !isNull);
  if (isRefused) draft.danger('add-column-refused', column);
}

/** CREATE of anything. */
export const judgeCreate: StatementRule = (tokens, draft) => {
  const reader = new TokenReader(tokens);
  reader.take('create');
  const isTemporary = reader.takeOneOf('temp', 'temporary') !== undefined;
  reader.take('virtual');
  const isUnique = reader.take('unique');
  const what = reader.takeOneOf('table', 'index', 'view', 'trigger');
  draft.kind = what === undefined ? 'create' : `create ${what}`;
  if (what === undefined) {
    draft.danger('unknown-statement', isUnique ? 'CREATE UNIQUE' : 'CREATE');
    return;
  }
  const isOptional = reader.take('if', 'not', 'exists');
  const parts = partsOf(reader);
  const name = draft.nameOfNew(parts, isTemporary);
  if (what === 'table' || what === 'view') {
    draft.touch(name);
    draft.make(name, isOptional);
    return;
  }
  reader.skipPast('on');
  const table = tableOf(reader, draft);
  // A trigger may have the name of a table; an index lies where its table does.
  if (what === 'index') draft.make(draft.nameOfNew(parts, table.startsWith('temp.')), isOptional);
  draft.touch(table);
  draft.alter(table);
  if (what === 'index' && !draft.isNew(table)) draft.danger('add-index', table);
};

/** DROP of anything. */
export const judgeDrop: StatementRule = (tokens, draft) => {
  const reader = new TokenReader(tokens);
  reader.take('drop');
  const what = reader.takeOneOf('table', 'index', 'view', 'trigger');
  draft.kind = what === undefined ? 'drop' : `drop ${what}`;
  if (what === undefined) {
    draft.danger('unknown-statement', 'DROP');
    return;
  }
  reader.take('if', 'exists');
  const name = tableOf(reader, draft);
  if (what === 'table' || what === 'view') draft.touch(name);
  if (what === 'table') draft.alter(name);
  if (what !== 'trigger') draft.remove(name);
  if (draft.isNew(name)) return;
  if (what === 'table') draft.danger('drop-table', name);
  else if (what === 'index') draft.danger('drop-index', name);
  else if (what === 'view') draft.danger('drop-object', `view "${name}"`);
};

/** `main` is the schema of a table that is made without one; a name without one may also mean a temporary table. */
export function tableOf(reader: TokenReader, draft: AssessmentDraft): string {
  const parts = reader.takeName() ?? [];
  return parts.length === 2 && parts[0] === 'main' ? (parts[1] as string) : draft.nameOf(parts);
}

function partsOf(reader: TokenReader): readonly string[] {
  const parts = reader.takeName() ?? [];
  return parts.length === 2 && parts[0] === 'main' ? parts.slice(1) : parts;
}
