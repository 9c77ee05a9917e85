import type { AssessmentDraft } from '../assessment-draft.ts';
import type { SqlToken } from '../sql-tokens.ts';
import { findWord, holds, isWord, startsWith, type TokenReader } from '../token-reader.ts';
import { lockReferences } from './postgres-constraint-rules.ts';

const exclusive = 'ACCESS EXCLUSIVE';

/** ADD COLUMN: of its type and constraints, those that read or write every row. */
export function judgeNewColumn(table: string, reader: TokenReader, draft: AssessmentDraft): void {
  const isNew = draft.isNew(table);
  reader.take('column');
  reader.take('if', 'not', 'exists');
  const column = `${table}.${reader.takeName()?.join('.') ?? ''}`;
  const definition = reader.rest;
  draft.touch(table, exclusive);
  if (holds(definition, 'references')) lockReferences(definition, draft);
  if (isNew) return;
  const isSerial = ['serial', 'bigserial', 'smallserial', 'serial2', 'serial4', 'serial8'].some((type) =>
    isWord(definition[0], type),
  );
  const isComputed = holds(definition, 'generated') || isSerial;
  if (isComputed || hasComputedDefault(definition)) {
    draft.rewrites = true;
    draft.danger('add-column-rewrite', column);
  }
  if (holds(definition, 'not', 'null') && !isComputed && isNullDefault(definition)) {
    draft.danger('add-column-not-null', column);
  }
  if (isWord(definition[0], 'json')) draft.danger('add-json-column', column);
  if (holds(definition, 'unique') || holds(definition, 'primary', 'key')) draft.danger('add-unique', table);
  if (holds(definition, 'check')) draft.danger('add-check', `read or write "${table}"`);
  if (holds(definition, 'references')) draft.danger('add-foreign-key', table);
}

/** ALTER COLUMN. */
export function judgeColumnChange(table: string, reader: TokenReader, draft: AssessmentDraft): void {
  const isNew = draft.isNew(table);
  if (reader.take('constraint')) {
    draft.touch(table, exclusive);
    return;
  }
  reader.take('column');
  const column = `${table}.${reader.takeName()?.join('.') ?? ''}`;
  const change = reader.rest;
  const isGentle =
    startsWith(change, ['set', 'statistics']) || startsWith(change, ['reset']) || isOptions(change);
  draft.touch(table, isGentle ? 'SHARE UPDATE EXCLUSIVE' : exclusive);
  if (isNew) return;
  if (startsWith(change, ['type']) || startsWith(change, ['set', 'data', 'type'])) {
    draft.rewrites = undefined;
    draft.danger('change-type', column);
  } else if (startsWith(change, ['set', 'not', 'null'])) {
    draft.danger('set-not-null', column);
  } else if (startsWith(change, ['set', 'expression'])) {
    draft.rewrites = true;
    draft.danger('rewrite-table', table);
  }
}

/** `SET (n_distinct = …)`. */
function isOptions(change: readonly SqlToken[]): boolean {
  return isWord(change[0], 'set') && change[1]?.kind === 'sign' && change[1].text === '(';
}

/** Functions of which each row would get the same value. Others may be volatile, and then each row is written. */
const steadyFunctions: ReadonlySet<string> = new Set([
  'abs',
  'array',
  'cast',
  'coalesce',
  'concat',
  'current_setting',
  'date_trunc',
  'decode',
  'encode',
  'extract',
  'floor',
  'greatest',
  'json_build_object',
  'jsonb_build_array',
  'jsonb_build_object',
  'least',
  'length',
  'lower',
  'make_date',
  'make_interval',
  'md5',
  'now',
  'nullif',
  'numeric',
  'round',
  'statement_timestamp',
  'timezone',
  'to_char',
  'to_timestamp',
  'transaction_timestamp',
  'upper',
  'varchar',
]);

/** Whether each row would have to be asked for its default. */
function hasComputedDefault(definition: readonly SqlToken[]): boolean {
  const value = defaultOf(definition);
  return value.some((token, index) => {
    const next = value[index + 1];
    const isCall =
      next?.kind === 'sign' && next.text === '(' && (token.kind === 'word' || token.kind === 'name');
    return isCall && !steadyFunctions.has(token.text);
  });
}

function isNullDefault(definition: readonly SqlToken[]): boolean {
  const [first] = defaultOf(definition);
  return first === undefined || isWord(first, 'null');
}

const behindDefault = [
  'not',
  'constraint',
  'check',
  'unique',
  'primary',
  'references',
  'generated',
  'collate',
];

function defaultOf(definition: readonly SqlToken[]): readonly SqlToken[] {
  const start = findWord(definition, 'default');
  if (start < 0) return [];
  const value = definition.slice(start + 1);
  const depth = definition[start]?.depth;
  const end = value.findIndex(
    (token) => token.depth === depth && behindDefault.some((word) => isWord(token, word)),
  );
  return end < 0 ? value : value.slice(0, end);
}
