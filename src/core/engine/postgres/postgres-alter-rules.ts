import type { AssessmentDraft, StatementRule } from '../assessment-draft.ts';
import { isOfExpansion } from '../column-expansion.ts';
import type { SqlToken } from '../sql-tokens.ts';
import { holds, splitAt, startsWith, TokenReader } from '../token-reader.ts';
import { judgeColumnChange, judgeNewColumn } from './postgres-column-rules.ts';
import { isConstraint, judgeConstraint } from './postgres-constraint-rules.ts';

const exclusive = 'ACCESS EXCLUSIVE';
const gentle = 'SHARE UPDATE EXCLUSIVE';

/** ALTER of anything. */
export const judgeAlter: StatementRule = (tokens, draft) => {
  const reader = new TokenReader(tokens);
  reader.take('alter');
  if (reader.take('foreign', 'table') || reader.take('table')) return judgeAlterTable(reader, draft);
  if (reader.take('index')) return judgeAlterIndex(reader, draft);
  const what = readObject(reader);
  draft.kind = `alter ${what}`;
  if (what === 'system' || what === 'database') {
    draft.danger('unknown-statement', `ALTER ${what.toUpperCase()}`);
    return;
  }
  reader.take('if', 'exists');
  const name = draft.nameOf(reader.takeName() ?? []);
  const isNew = draft.isNew(what.endsWith('view') ? name : `${what} ${name}`);
  if (what === 'domain' && !isNew) judgeDomain(name, reader, draft);
  if (isNew || !(holds(reader.rest, 'rename') || holds(reader.rest, 'set', 'schema'))) return;
  if (what === 'schema') draft.danger('rename-schema', name);
  else draft.danger('rename-object', `${what} "${name}"`);
};

/** A domain is in whatever table has a column of it. */
function judgeDomain(name: string, reader: TokenReader, draft: AssessmentDraft): void {
  if (reader.take('set', 'not', 'null')) draft.danger('set-not-null', name);
  else if (reader.take('drop', 'constraint')) {
    reader.take('if', 'exists');
    draft.danger('drop-constraint', `${name}.${reader.takeName()?.join('.') ?? ''}`);
  } else if (reader.take('add') && !holds(reader.rest, 'not', 'valid')) {
    draft.danger('add-check', `write a table with a column of domain "${name}"`);
  }
}

/** The schema of a table, where it is named with one. */
export function schemaOf(table: string): readonly string[] {
  return table.includes('.') ? [table.slice(0, table.lastIndexOf('.'))] : [];
}

/** What is altered or dropped, in one or two words. */
export function readObject(reader: TokenReader): string {
  const pairs = [
    'materialized view',
    'foreign data',
    'event trigger',
    'text search',
    'access method',
    'operator class',
  ];
  const pair = pairs.find((words) => reader.take(...words.split(' ')));
  if (pair !== undefined) return pair;
  return reader.takeName()?.join('.') ?? 'something';
}

function judgeAlterIndex(reader: TokenReader, draft: AssessmentDraft): void {
  draft.kind = 'alter index';
  reader.take('if', 'exists');
  const name = draft.nameOf(reader.takeName() ?? []);
  draft.touch(name, gentle);
  if (holds(reader.rest, 'set', 'tablespace') && !draft.isNew(name)) draft.danger('rewrite-table', name);
}

function judgeAlterTable(reader: TokenReader, draft: AssessmentDraft): void {
  draft.kind = 'alter table';
  reader.take('if', 'exists');
  reader.take('only');
  const table = draft.nameOf(reader.takeName() ?? []);
  reader.takeSign('*');
  draft.touch(table);
  draft.alter(table);
  if (table === 'all') {
    draft.danger('unknown-statement', 'ALTER TABLE ALL');
    return;
  }
  for (const action of splitAt(reader.rest, ',')) judgeAction(table, action, draft);
}

function judgeAction(table: string, action: readonly SqlToken[], draft: AssessmentDraft): void {
  const isNew = draft.isNew(table);
  const reader = new TokenReader(action);
  if (reader.take('rename')) return judgeRename(table, reader, draft);
  if (reader.take('add')) {
    if (isConstraint(reader.rest)) return judgeConstraint(table, reader.rest, draft);
    return judgeNewColumn(table, reader, draft);
  }
  if (reader.take('alter')) return judgeColumnChange(table, reader, draft);
  if (reader.take('validate', 'constraint')) return judgeValidation(table, reader, draft);
  if (reader.take('drop')) return judgeDropIn(table, reader, draft);
  if (reader.takeOneOf('attach', 'detach')) return judgePartition(table, action, draft);
  if (reader.take('set', 'schema')) {
    draft.touch(table, exclusive);
    if (!isNew) draft.danger('rename-table', table);
    return;
  }
  if (isRewrite(action)) {
    draft.touch(table, exclusive);
    if (isNew) return;
    draft.rewrites = true;
    draft.danger('rewrite-table', table);
    return;
  }
  draft.touch(table, lockOf(action));
  if (lockOf(action) === undefined) draft.touch(table, exclusive);
  if (!isNew && (startsWith(action, ['disable', 'trigger']) || startsWith(action, ['disable', 'rule']))) {
    draft.danger('disable-trigger', `DISABLE of "${table}"`);
  }
  if (!isNew && holds(action, 'row', 'level', 'security')) draft.danger('redirect-rows', table);
  if (!isNew && !isKnown(action)) draft.danger('unknown-statement', 'this part of ALTER TABLE');
}

function judgeRename(table: string, reader: TokenReader, draft: AssessmentDraft): void {
  const isNew = draft.isNew(table);
  if (reader.take('constraint')) {
    draft.touch(table, exclusive);
  } else if (reader.take('to')) {
    draft.touch(table, exclusive);
    draft.rename(table, draft.nameOfNew([...schemaOf(table), ...(reader.takeName() ?? [])], false));
    if (!isNew) draft.danger('rename-table', table);
  } else {
    reader.take('column');
    const column = reader.takeName()?.join('.') ?? '';
    draft.touch(table, exclusive);
    if (!isNew) draft.danger('rename-column', `${table}.${column}`);
  }
}

function judgeValidation(table: string, reader: TokenReader, draft: AssessmentDraft): void {
  const constraint = `${table}.${reader.takeName()?.join('.') ?? ''}`;
  draft.touch(table, gentle);
  const isAdded = draft.context.unvalidated.has(constraint) && draft.context.inTransaction;
  if (isAdded && !draft.isNew(table)) draft.danger('validate-with-add', constraint);
}

function judgeDropIn(table: string, reader: TokenReader, draft: AssessmentDraft): void {
  const isConstraintDrop = reader.take('constraint');
  if (!isConstraintDrop) reader.take('column');
  reader.take('if', 'exists');
  const name = `${table}.${reader.takeName()?.join('.') ?? ''}`;
  const isNew = draft.isNew(table);
  draft.touch(table, exclusive);
  if (isConstraintDrop && isOfExpansion(name)) return;
  if (!isNew) draft.danger(isConstraintDrop ? 'drop-constraint' : 'drop-column', name);
  if (reader.take('cascade') && !isNew) draft.danger('drop-cascade', `"${name}"`, `what depends on ${name}`);
}

function judgePartition(table: string, action: readonly SqlToken[], draft: AssessmentDraft): void {
  const reader = new TokenReader(action);
  const attaches = reader.take('attach', 'partition');
  if (!attaches) reader.take('detach', 'partition');
  const partition = draft.nameOf(reader.takeName() ?? []);
  const isConcurrent = holds(reader.rest, 'concurrently');
  draft.touch(table, attaches || isConcurrent ? gentle : exclusive);
  draft.touch(partition, exclusive);
  if (isConcurrent && draft.context.inTransaction) {
    draft.danger('concurrently-in-transaction', 'DETACH PARTITION CONCURRENTLY');
  }
  if (draft.isNew(table)) return;
  if (attaches && !draft.isNew(partition)) draft.danger('add-partition', table);
  if (!attaches && !isConcurrent) draft.danger('detach-partition', table);
}

function isRewrite(action: readonly SqlToken[]): boolean {
  return [
    ['set', 'tablespace'],
    ['set', 'logged'],
    ['set', 'unlogged'],
    ['set', 'access', 'method'],
  ].some((words) => new TokenReader(action).take(...words));
}

/** Parts of ALTER TABLE that need less than the strongest lock. */
function lockOf(action: readonly SqlToken[]): string | undefined {
  const reader = new TokenReader(action);
  if (reader.takeOneOf('cluster', 'set', 'reset') !== undefined) return gentle;
  if (!reader.takeOneOf('enable', 'disable')) return undefined;
  reader.takeOneOf('always', 'replica');
  return reader.take('trigger') ? 'SHARE ROW EXCLUSIVE' : undefined;
}

function isKnown(action: readonly SqlToken[]): boolean {
  const words = [
    'cluster',
    'set',
    'reset',
    'enable',
    'disable',
    'force',
    'no',
    'inherit',
    'owner',
    'replica',
    'of',
    'not',
  ];
  return new TokenReader(action).takeOneOf(...words) !== undefined;
}
