import type { AssessmentDraft, StatementRule } from '../assessment-draft.ts';
import { holds, TokenReader } from '../token-reader.ts';
import { readObject, schemaOf } from './postgres-alter-rules.ts';
import { lockReferences } from './postgres-constraint-rules.ts';
import { touchSources } from './postgres-row-rules.ts';

/** CREATE of anything. What it makes is new; what it refers to may be in use. */
export const judgeCreate: StatementRule = (tokens, draft) => {
  const reader = new TokenReader(tokens);
  reader.take('create');
  const isReplaced = reader.take('or', 'replace');
  reader.takeOneOf('global', 'local');
  const isTemporary = reader.takeOneOf('temp', 'temporary') !== undefined;
  reader.takeOneOf('unlogged', 'recursive', 'constraint', 'trusted');
  const isUnique = reader.take('unique');
  if (isUnique || reader.take('index')) {
    if (isUnique) reader.take('index');
    return judgeIndex(reader, draft);
  }
  if (reader.take('foreign', 'table') || reader.take('table')) return judgeTable(isTemporary, reader, draft);
  const what = readObject(reader);
  draft.kind = `create ${what}`;
  if (what === 'rule') return judgeRule(reader, draft);
  if (what === 'trigger' || what === 'policy') {
    reader.skipPast('on');
    judgeOnTable(what === 'trigger' ? 'SHARE ROW EXCLUSIVE' : 'ACCESS EXCLUSIVE', reader, draft);
    return;
  }
  if (what === 'database' || what === 'tablespace' || what === 'subscription') {
    if (draft.context.inTransaction) {
      draft.danger('concurrently-in-transaction', `CREATE ${what.toUpperCase()}`);
    }
  }
  const isOptional = reader.take('if', 'not', 'exists');
  const parts = reader.takeName() ?? [];
  const name = what.endsWith('view') ? draft.nameOfNew(parts, isTemporary) : draft.nameOf(parts);
  if (!what.endsWith('view')) {
    draft.make(`${what} ${name}`, isOptional || isReplaced);
    return;
  }
  if (!isReplaced) draft.make(name, isOptional);
  draft.touch(name, isReplaced ? 'ACCESS EXCLUSIVE' : undefined);
  touchSources(reader.rest, draft, 'ACCESS SHARE');
};

/** `CREATE RULE … AS ON event TO table DO …`. */
function judgeRule(reader: TokenReader, draft: AssessmentDraft): void {
  reader.skipPast('to');
  const table = judgeOnTable('ACCESS EXCLUSIVE', reader, draft);
  if (!draft.isNew(table) && holds(reader.rest, 'do', 'instead')) draft.danger('redirect-rows', table);
}

/** @returns the table that comes next */
function judgeOnTable(mode: string, reader: TokenReader, draft: AssessmentDraft): string {
  const table = draft.nameOf(reader.takeName() ?? []);
  draft.touch(table, mode);
  draft.alter(table);
  return table;
}

function judgeTable(isTemporary: boolean, reader: TokenReader, draft: AssessmentDraft): void {
  draft.kind = 'create table';
  const isOptional = reader.take('if', 'not', 'exists');
  const table = draft.nameOfNew(reader.takeName() ?? [], isTemporary);
  draft.make(table, isOptional);
  draft.touch(table);
  if (reader.take('partition', 'of')) {
    const parent = draft.nameOf(reader.takeName() ?? []);
    draft.touch(parent, 'ACCESS EXCLUSIVE');
    if (!draft.isNew(parent)) draft.danger('add-partition', parent);
    return;
  }
  lockReferences(reader.rest, draft);
  if (holds(reader.rest, 'as')) touchSources(reader.rest, draft, 'ACCESS SHARE');
}

function judgeIndex(reader: TokenReader, draft: AssessmentDraft): void {
  draft.kind = 'create index';
  const isConcurrent = reader.take('concurrently');
  const isOptional = reader.take('if', 'not', 'exists');
  const name = reader.take('on') ? undefined : reader.takeName();
  if (name !== undefined) reader.take('on');
  reader.take('only');
  const table = draft.nameOf(reader.takeName() ?? []);
  // It lies where its table does.
  if (name !== undefined) draft.make(draft.nameOfNew([...schemaOf(table), ...name], false), isOptional);
  draft.touch(table, isConcurrent ? 'SHARE UPDATE EXCLUSIVE' : 'SHARE');
  if (!isConcurrent) draft.alter(table);
  if (isConcurrent && draft.context.inTransaction) {
    draft.danger('concurrently-in-transaction', 'CREATE INDEX CONCURRENTLY');
  }
  if (!isConcurrent && !draft.isNew(table)) draft.danger('add-index', table);
}
