import type { AssessmentDraft } from '../assessment-draft.ts';
import type { SqlToken } from '../sql-tokens.ts';
import { holds, isWord, TokenReader } from '../token-reader.ts';

const referenceLock = 'SHARE ROW EXCLUSIVE';

/** Whether what stands behind ADD is a constraint, and no column. */
export function isConstraint(tokens: readonly SqlToken[]): boolean {
  const [first, second] = tokens;
  if (isWord(first, 'constraint')) return true;
  if (isWord(first, 'primary') || isWord(first, 'foreign')) return isWord(second, 'key');
  return isWord(first, 'check') || isWord(first, 'unique') || isWord(first, 'exclude');
}

/** ADD CONSTRAINT, with or without a name. */
export function judgeConstraint(table: string, tokens: readonly SqlToken[], draft: AssessmentDraft): void {
  const isNew = draft.isNew(table);
  const reader = new TokenReader(tokens);
  const name = reader.take('constraint') ? reader.takeName()?.join('.') : undefined;
  const rule = reader.rest;
  const isUnvalidated = holds(rule, 'not', 'valid');
  if (isUnvalidated && name !== undefined) draft.addUnvalidated(`${table}.${name}`);
  if (isWord(rule[0], 'foreign')) {
    draft.touch(table, referenceLock);
    lockReferences(rule, draft);
    if (!isNew && !isUnvalidated) draft.danger('add-foreign-key', table);
    return;
  }
  draft.touch(table, 'ACCESS EXCLUSIVE');
  if (isNew) return;
  if (isWord(rule[0], 'check') && !isUnvalidated) draft.danger('add-check', `read or write "${table}"`);
  else if (isWord(rule[0], 'not') && !isUnvalidated) draft.danger('set-not-null', table);
  else if (isWord(rule[0], 'exclude')) draft.danger('add-exclusion', table);
  else if (isWord(rule[0], 'unique') || isWord(rule[0], 'primary')) {
    if (!holds(rule, 'using', 'index') || rule.some(isParenthesis)) draft.danger('add-unique', table);
  }
}

/** `UNIQUE (…) USING INDEX TABLESPACE …` builds an index; `UNIQUE USING INDEX …` takes one. */
function isParenthesis({ kind, text }: SqlToken): boolean {
  return kind === 'sign' && text === '(';
}

/** The tables behind each REFERENCES get triggers, and no writes meanwhile. */
export function lockReferences(tokens: readonly SqlToken[], draft: AssessmentDraft): void {
  for (const [index, token] of tokens.entries()) {
    if (!isWord(token, 'references')) continue;
    const name = new TokenReader(tokens.slice(index + 1)).takeName();
    if (name !== undefined) draft.touch(draft.nameOf(name), referenceLock);
  }
}
