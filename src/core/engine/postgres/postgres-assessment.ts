/** Says what a statement does on Postgres, by its tokens alone: the locks are those of the manual. */
import { AssessmentDraft, type StatementRule } from '../assessment-draft.ts';
import type { AssessmentContext, StatementAssessment } from '../statement-assessment.ts';
import { holds, isWord, TokenReader } from '../token-reader.ts';
import { judgeAlter } from './postgres-alter-rules.ts';
import { judgeCreate } from './postgres-create-rules.ts';
import { postgresDangers } from './postgres-dangers.ts';
import { judgeDrop } from './postgres-drop-rules.ts';
import { judgeRows } from './postgres-row-rules.ts';
import { judgeSet } from './postgres-set-rules.ts';
import { postgresStatements } from './postgres-tokens.ts';
import { judgeUpkeep } from './postgres-upkeep-rules.ts';

/** Statements that change nothing that outlives their session, or nothing of a table. */
const harmless: ReadonlySet<string> = new Set([
  'abort',
  'begin',
  'commit',
  'deallocate',
  'discard',
  'end',
  'grant',
  'listen',
  'notify',
  'release',
  'reset',
  'revoke',
  'rollback',
  'savepoint',
  'show',
  'start',
  'unlisten',
]);

const judgeUnknown: StatementRule = ([first], draft) => {
  draft.kind = first?.text ?? 'nothing';
  draft.rewrites = undefined;
  if (first !== undefined) draft.danger('unknown-statement', first.text.toUpperCase());
};

const rules: Readonly<Record<string, StatementRule>> = {
  alter: judgeAlter,
  create: judgeCreate,
  drop: judgeDrop,
  insert: judgeRows,
  update: judgeRows,
  delete: judgeRows,
  merge: judgeRows,
  copy: judgeRows,
  select: judgeRows,
  set: judgeSet,
  values: judgeRows,
  table: judgeRows,
  with: judgeRows,
  analyze: judgeUpkeep,
  cluster: judgeUpkeep,
  comment: judgeUpkeep,
  lock: judgeUpkeep,
  refresh: judgeUpkeep,
  reindex: judgeUpkeep,
  truncate: judgeUpkeep,
  vacuum: judgeUpkeep,
};

/** Judges SQL text; one of several statements as one, of which the first gives the kind. */
export function assessPostgres(sql: string, context: AssessmentContext): StatementAssessment {
  const draft = new AssessmentDraft(context, postgresDangers, 'pg_temp');
  let kind: string | undefined;
  for (const tokens of postgresStatements(sql)) {
    judgeStatement(tokens, draft);
    kind ??= draft.kind;
  }
  draft.kind = kind ?? 'nothing';
  return draft.finish();
}

const judgeStatement: StatementRule = (tokens, draft) => {
  const first = tokens.find(({ kind, text }) => kind !== 'sign' || text !== '(');
  const word = first?.kind === 'word' ? first.text : '';
  if (harmless.has(word)) draft.kind = word;
  else if (word === 'explain') judgeExplain(tokens, draft);
  else (Object.hasOwn(rules, word) ? (rules[word] as StatementRule) : judgeUnknown)(tokens, draft);
};

/** EXPLAIN alone runs nothing; with ANALYZE it runs the statement. */
const judgeExplain: StatementRule = (tokens, draft) => {
  const reader = new TokenReader(tokens);
  reader.take('explain');
  const options = reader.skipParentheses();
  if (holds(reader.rest, 'analyze') || options.some((token) => isWord(token, 'analyze')))
    judgeUnknown(tokens, draft);
  else draft.kind = 'read';
};
