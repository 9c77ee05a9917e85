import type { AssessmentDraft, StatementRule } from '../assessment-draft.ts';
import type { SqlToken } from '../sql-tokens.ts';
import { findWord, holds, isWord, TokenReader } from '../token-reader.ts';

const writing = ['insert', 'update', 'delete', 'merge'];

/** Statements that read and write rows. Of one with CTEs each that writes is judged. */
export const judgeRows: StatementRule = (tokens, draft) => {
  draft.kind = 'read';
  if (isWord(tokens[0], 'copy')) return judgeCopy(tokens, draft);
  for (const part of writesOf(tokens)) {
    judgeWrite(part, draft);
    draft.kind = part[0]?.text ?? draft.kind;
  }
  const made = findWord(tokens, 'into');
  if (draft.kind === 'read' && made >= 0) judgeSelectInto(tokens.slice(made + 1), draft);
  touchSources(tokens, draft, locksRows(tokens) ? 'ROW SHARE' : 'ACCESS SHARE');
};

/** The statements that write: the whole, or what stands in the parentheses of a CTE and behind the last of them. */
function writesOf(tokens: readonly SqlToken[]): readonly (readonly SqlToken[])[] {
  return tokens.flatMap((token, index) => {
    const before = tokens[index - 1];
    const isStart = before === undefined || (before.kind === 'sign' && '()'.includes(before.text));
    if (!isStart || !writing.some((word) => isWord(token, word))) return [];
    const rest = tokens.slice(index);
    const end = rest.findIndex(({ depth }) => depth < token.depth);
    return [end < 0 ? rest : rest.slice(0, end)];
  });
}

function judgeWrite(tokens: readonly SqlToken[], draft: AssessmentDraft): void {
  const reader = new TokenReader(tokens);
  const verb = reader.takeOneOf(...writing);
  reader.takeOneOf('into', 'from');
  reader.take('only');
  const table = draft.nameOf(reader.takeName() ?? []);
  draft.touch(table, 'ROW EXCLUSIVE');
  if (draft.isNew(table)) return;
  const rest = reader.rest;
  const deletes = verb === 'delete' || (verb === 'merge' && holds(rest, 'then', 'delete'));
  if (deletes) draft.danger('delete-rows', table, `rows of ${table}`);
  if (verb === 'update' && !isLimited(rest)) draft.danger('update-all-rows', table);
  const isBulk = verb !== 'insert' || holds(rest, 'select') || holds(rest, 'with') || holds(rest, 'table');
  const { inTransaction, altered } = draft.context;
  if (isBulk && inTransaction && altered.size > 0) draft.danger('backfill-in-transaction', table);
}

/** Whether there is a WHERE that can leave a row out. */
function isLimited(tokens: readonly SqlToken[]): boolean {
  const where = findWord(tokens, 'where');
  if (where < 0) return false;
  const [first, sign, second, more] = tokens.slice(where + 1);
  if (isWord(first, 'true')) return sign !== undefined && !isWord(sign, 'returning');
  const isEqual = sign?.text === '=' && first?.kind === 'number' && first.text === second?.text;
  return !(isEqual && (more === undefined || isWord(more, 'returning')));
}

function judgeCopy(tokens: readonly SqlToken[], draft: AssessmentDraft): void {
  const reader = new TokenReader(tokens);
  reader.take('copy');
  const name = reader.takeName();
  draft.kind = 'copy';
  if (name !== undefined) {
    draft.touch(draft.nameOf(name), holds(reader.rest, 'from') ? 'ROW EXCLUSIVE' : 'ACCESS SHARE');
  }
}

function judgeSelectInto(tokens: readonly SqlToken[], draft: AssessmentDraft): void {
  const reader = new TokenReader(tokens);
  const scope = reader.takeOneOf('temporary', 'temp', 'unlogged');
  reader.take('table');
  const isTemporary = scope === 'temporary' || scope === 'temp';
  const table = draft.nameOfNew(reader.takeName() ?? [], isTemporary);
  draft.kind = 'create table';
  draft.make(table);
  draft.touch(table);
}

/** The tables behind FROM and JOIN, also of subqueries. A CTE or a function in their place is taken for none. */
export function touchSources(tokens: readonly SqlToken[], draft: AssessmentDraft, mode: string): void {
  const ctes = namesOfCtes(tokens);
  for (const [index, token] of tokens.entries()) {
    if (!isWord(token, 'from') && !isWord(token, 'join') && !isWord(token, 'using')) continue;
    if (isWord(tokens[index - 1], 'distinct') || isWord(tokens[index - 1], 'delete')) continue;
    if (isArgument(tokens, index)) continue;
    const reader = new TokenReader(tokens.slice(index + 1));
    reader.takeOneOf('only', 'lateral');
    const name = reader.takeName();
    if (name === undefined || reader.takeSign('(') || ctes.has(name.join('.'))) continue;
    draft.touch(draft.nameOf(name), mode);
  }
}

/** Whether a FROM belongs to a function, such as in `extract(year from at)`. */
function isArgument(tokens: readonly SqlToken[], index: number): boolean {
  const depth = tokens[index]?.depth ?? 0;
  const open = tokens.slice(0, index).findLastIndex((token) => token.depth < depth);
  const first = tokens[open + 1];
  return (
    open >= 0 &&
    !['select', 'with', 'delete', 'update', 'insert', 'merge'].some((word) => isWord(first, word))
  );
}

function namesOfCtes(tokens: readonly SqlToken[]): ReadonlySet<string> {
  return new Set(tokens.flatMap((token, index) => (isWord(tokens[index + 1], 'as') ? [token.text] : [])));
}

function locksRows(tokens: readonly SqlToken[]): boolean {
  return ['update', 'share', 'no', 'key'].some((word) => holds(tokens, 'for', word));
}
