import type { AssessmentDraft, StatementRule } from '../assessment-draft.ts';
import { isOfExpansion } from '../column-expansion.ts';
import { holds, TokenReader } from '../token-reader.ts';
import { readObject } from './postgres-alter-rules.ts';

const exclusive = 'ACCESS EXCLUSIVE';

/** Parts of a table that are dropped by `… name ON table`, and leave its rows as they are. */
const onTables: ReadonlySet<string> = new Set(['trigger', 'policy', 'rule']);

/** DROP of anything. */
export const judgeDrop: StatementRule = (tokens, draft) => {
  const reader = new TokenReader(tokens);
  reader.take('drop');
  if (reader.take('foreign', 'table') || reader.take('table')) return judgeTables(reader, draft);
  if (reader.take('index')) return judgeIndexes(reader, draft);
  const what = readObject(reader);
  draft.kind = `drop ${what}`;
  if (draft.context.inTransaction && ['database', 'tablespace', 'subscription'].includes(what)) {
    draft.danger('concurrently-in-transaction', `DROP ${what.toUpperCase()}`);
  }
  reader.take('if', 'exists');
  if (onTables.has(what)) {
    reader.skipPast('on');
    const table = draft.nameOf(reader.takeName() ?? []);
    draft.touch(table, exclusive);
    draft.alter(table);
    return;
  }
  const names = reader.takeNames().map((parts) => draft.nameOf(parts));
  if (names.length > 0 && names.every(isOfExpansion)) return;
  for (const name of names) judgeObject(what, name, draft);
  if (holds(reader.rest, 'cascade')) draft.danger('drop-cascade', `${what}`, `what depends on the ${what}`);
};

function judgeObject(what: string, name: string, draft: AssessmentDraft): void {
  const isView = what.endsWith('view');
  const known = isView ? name : `${what} ${name}`;
  if (isView) draft.touch(name, exclusive);
  draft.remove(known);
  if (draft.isNew(known)) return;
  if (what === 'schema') draft.danger('drop-schema', name, `schema ${name}`);
  else draft.danger('drop-object', `${what} "${name}"`);
}

function judgeTables(reader: TokenReader, draft: AssessmentDraft): void {
  draft.kind = 'drop table';
  reader.take('if', 'exists');
  const names = reader.takeNames().map((parts) => draft.nameOf(parts));
  for (const table of names) {
    draft.touch(table, exclusive);
    draft.alter(table);
    draft.remove(table);
    if (!draft.isNew(table)) draft.danger('drop-table', table);
  }
  if (reader.take('cascade')) {
    const list = names.map((name) => `"${name}"`).join(', ');
    draft.danger('drop-cascade', list, `what depends on ${names.join(', ')}`);
  }
}

function judgeIndexes(reader: TokenReader, draft: AssessmentDraft): void {
  draft.kind = 'drop index';
  const isConcurrent = reader.take('concurrently');
  reader.take('if', 'exists');
  for (const parts of reader.takeNames()) {
    const index = draft.nameOf(parts);
    draft.touch(index, isConcurrent ? 'SHARE UPDATE EXCLUSIVE' : exclusive);
    draft.remove(index);
    if (!isConcurrent && !draft.isNew(index)) draft.danger('drop-index', index);
  }
  if (isConcurrent && draft.context.inTransaction) {
    draft.danger('concurrently-in-transaction', 'DROP INDEX CONCURRENTLY');
  }
}
