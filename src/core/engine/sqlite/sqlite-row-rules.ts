import type { AssessmentDraft, StatementRule } from '../assessment-draft.ts';
import type { SqlToken } from '../sql-tokens.ts';
import { findWord, holds, isWord, TokenReader } from '../token-reader.ts';
import { tableOf } from './sqlite-schema-rules.ts';

const writing = ['insert', 'replace', 'update', 'delete'];

/** Statements that read and write rows. A CTE of SQLite only reads, so a write begins the text or follows the CTEs. */
export const judgeRows: StatementRule = (tokens, draft) => {
  const start = tokens.findIndex(
    (token, index) =>
      token.depth === 0 &&
      (index === 0 || tokens[index - 1]?.text === ')') &&
      writing.some((word) => isWord(token, word)),
  );
  draft.kind = 'read';
  if (start >= 0) judgeWrite(tokens.slice(start), draft);
  touchSources(tokens, draft);
};

function judgeWrite(tokens: readonly SqlToken[], draft: AssessmentDraft): void {
  const reader = new TokenReader(tokens);
  const verb = reader.takeOneOf(...writing) as string;
  draft.kind = verb === 'replace' ? 'insert' : verb;
  const otherwise = reader.take('or')
    ? reader.takeOneOf('abort', 'fail', 'ignore', 'replace', 'rollback')
    : undefined;
  reader.takeOneOf('into', 'from');
  const table = tableOf(reader, draft);
  draft.touch(table);
  if (draft.isNew(table)) return;
  // REPLACE deletes the rows that are in its way, and what refers to them with ON DELETE CASCADE.
  const deletes = verb === 'delete' || verb === 'replace' || otherwise === 'replace';
  if (deletes) draft.danger('delete-rows', table, `rows of ${table}`);
  if (verb === 'update' && !isLimited(reader.rest)) draft.danger('update-all-rows', table);
  const isBulk = verb === 'update' || verb === 'delete' || holds(reader.rest, 'select');
  const { inTransaction, altered } = draft.context;
  if (isBulk && inTransaction && altered.size > 0) draft.danger('backfill-in-transaction', table);
}

/** Whether there is a WHERE that can leave a row out. */
function isLimited(tokens: readonly SqlToken[]): boolean {
  const where = findWord(tokens, 'where');
  if (where < 0) return false;
  const [first, sign, second, more] = tokens.slice(where + 1);
  const isOver = (token: SqlToken | undefined) => token === undefined || isWord(token, 'returning');
  if (isWord(first, 'true') || first?.text === '1') {
    if (isOver(sign)) return false;
  }
  return !(sign?.text === '=' && first?.kind === 'number' && first.text === second?.text && isOver(more));
}

function touchSources(tokens: readonly SqlToken[], draft: AssessmentDraft): void {
  const ctes = new Set(
    tokens.flatMap((token, index) => (isWord(tokens[index + 1], 'as') ? [token.text] : [])),
  );
  for (const [index, token] of tokens.entries()) {
    if (!isWord(token, 'from') && !isWord(token, 'join')) continue;
    if (isWord(tokens[index - 1], 'distinct') || isWord(tokens[index - 1], 'delete')) continue;
    const reader = new TokenReader(tokens.slice(index + 1));
    const name = tableOf(reader, draft);
    if (name !== '' && !ctes.has(name) && !reader.takeSign('(')) draft.touch(name);
  }
}
