/** Says what a statement does on SQLite, by its tokens alone. Whatever writes locks all of the file for writers. */
import { AssessmentDraft, type StatementRule } from '../assessment-draft.ts';
import type { AssessmentContext, StatementAssessment } from '../statement-assessment.ts';
import { isWord, TokenReader } from '../token-reader.ts';
import { sqliteDangers } from './sqlite-dangers.ts';
import { judgeRows } from './sqlite-row-rules.ts';
import { judgeAlterTable, judgeCreate, judgeDrop } from './sqlite-schema-rules.ts';
import { sqliteStatements } from './sqlite-statements.ts';
import { readPragma } from './statement-kind.ts';

const wholeFile = 'the whole file';

const judgeUnknown: StatementRule = ([first], draft) => {
  draft.kind = first?.text ?? 'nothing';
  draft.rewrites = undefined;
  if (first !== undefined) draft.danger('unknown-statement', first.text.toUpperCase());
};

/** VACUUM, REINDEX, ATTACH: what concerns all of a file. */
const judgeFile: StatementRule = (tokens, draft) => {
  const reader = new TokenReader(tokens);
  const verb = reader.takeOneOf('vacuum', 'reindex', 'attach', 'detach') ?? '';
  draft.kind = verb;
  if (verb === 'reindex') {
    const name = draft.nameOf(reader.takeName() ?? ['every table']);
    draft.danger('reindex', name);
    return;
  }
  if (draft.context.inTransaction) draft.danger('concurrently-in-transaction', verb.toUpperCase());
  if (verb === 'vacuum') {
    draft.rewrites = true;
    draft.danger('rewrite-table', 'All of the file');
  } else draft.danger('unknown-statement', verb.toUpperCase());
};

const rules: Readonly<Record<string, StatementRule>> = {
  alter: judgeAlterTable,
  create: judgeCreate,
  drop: judgeDrop,
  insert: judgeRows,
  replace: judgeRows,
  update: judgeRows,
  delete: judgeRows,
  select: judgeRows,
  values: judgeRows,
  with: judgeRows,
  vacuum: judgeFile,
  reindex: judgeFile,
  attach: judgeFile,
  detach: judgeFile,
};

const harmless: ReadonlySet<string> = new Set([
  'analyze',
  'begin',
  'commit',
  'end',
  'explain',
  'release',
  'rollback',
  'savepoint',
]);

const unlocked: ReadonlySet<string> = new Set([
  'read',
  'nothing',
  'pragma',
  'savepoint',
  'release',
  'rollback',
  'begin',
]);

/** Judges SQL text; one of several statements as one, of which the first gives the kind. */
export function assessSqlite(sql: string, context: AssessmentContext): StatementAssessment {
  const draft = new AssessmentDraft(context, sqliteDangers, 'temp');
  let kind: string | undefined;
  for (const tokens of sqliteStatements(sql)) {
    const first = tokens.find((token) => token.kind !== 'sign' || token.text !== '(');
    const word = first?.kind === 'word' ? first.text : '';
    if (isWord(first, 'pragma')) judgePragma(sql, draft);
    else if (harmless.has(word)) draft.kind = word === 'explain' ? 'read' : word;
    else (Object.hasOwn(rules, word) ? (rules[word] as StatementRule) : judgeUnknown)(tokens, draft);
    kind ??= draft.kind;
  }
  draft.kind = kind ?? 'nothing';
  if (!unlocked.has(draft.kind)) draft.lock(undefined, wholeFile);
  return draft.finish();
}

/** PRAGMAs that only ask, also where something is given to them. */
const asking = /(?:_check|_list|_info|_xinfo)$/;

function judgePragma(sql: string, draft: AssessmentDraft): void {
  const { name, isGiven } = readPragma(sql);
  const isQuestion = asking.test(name) || (!isGiven && name !== 'optimize' && !name.includes('vacuum'));
  draft.kind = isQuestion ? 'read' : 'pragma';
  if (!isQuestion) draft.danger('pragma', name === '' ? 'of an unreadable name' : name);
}
