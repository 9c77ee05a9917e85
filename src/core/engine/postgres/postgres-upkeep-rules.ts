import type { AssessmentDraft, StatementRule } from '../assessment-draft.ts';
import { holds, isWord, TokenReader } from '../token-reader.ts';

const exclusive = 'ACCESS EXCLUSIVE';
const gentle = 'SHARE UPDATE EXCLUSIVE';

/** What keeps tables in order, empties them or locks them. */
export const judgeUpkeep: StatementRule = (tokens, draft) => {
  const reader = new TokenReader(tokens);
  const verb = reader.takeOneOf(
    'analyze',
    'cluster',
    'comment',
    'lock',
    'refresh',
    'reindex',
    'truncate',
    'vacuum',
  );
  if (verb === undefined) return;
  draft.kind = verb;
  judges[verb]?.(reader, draft);
};

const judges: Readonly<Record<string, (reader: TokenReader, draft: AssessmentDraft) => void>> = {
  analyze(reader, draft) {
    reader.skipParentheses();
    reader.take('verbose');
    for (const parts of reader.takeNames()) draft.touch(draft.nameOf(parts), gentle);
  },

  cluster(reader, draft) {
    reader.skipParentheses();
    reader.take('verbose');
    const name = reader.takeName();
    if (name === undefined) {
      requireNoTransaction('CLUSTER without a table', draft);
      draft.danger('cluster-table', 'every clustered table');
      draft.rewrites = true;
      return;
    }
    judgeRewrite('cluster-table', draft.nameOf(name), draft);
  },

  comment(reader, draft) {
    reader.take('on');
    if (reader.take('column')) {
      const column = reader.takeName() ?? [];
      draft.touch(draft.nameOf(column.slice(0, -1)), gentle);
    } else if (reader.take('table')) draft.touch(draft.nameOf(reader.takeName() ?? []), gentle);
  },

  lock(reader, draft) {
    reader.take('table');
    reader.take('only');
    const names = reader.takeNames();
    const mode = reader.take('in')
      ? reader.rest
          .map(({ text }) => text.toUpperCase())
          .join(' ')
          .replace(/ MODE.*/, '')
      : exclusive;
    for (const parts of names) {
      const table = draft.nameOf(parts);
      draft.touch(table, mode);
      if (!draft.isNew(table)) draft.danger('lock-table', table);
    }
  },

  refresh(reader, draft) {
    draft.kind = 'refresh materialized view';
    reader.take('materialized', 'view');
    const isConcurrent = reader.take('concurrently');
    const view = draft.nameOf(reader.takeName() ?? []);
    draft.touch(view, isConcurrent ? 'EXCLUSIVE' : exclusive);
    if (draft.isNew(view) || isConcurrent) return;
    draft.danger('refresh-view', view);
  },

  reindex(reader, draft) {
    const options = reader.skipParentheses();
    const what = reader.takeOneOf('index', 'table', 'schema', 'database', 'system');
    const isConcurrent =
      reader.take('concurrently') || options.some((token) => isWord(token, 'concurrently'));
    const name = draft.nameOf(reader.takeName() ?? []);
    const isWide = what === 'schema' || what === 'database' || what === 'system';
    draft.touch(name, isWide ? undefined : isConcurrent ? gentle : what === 'table' ? 'SHARE' : exclusive);
    if (isConcurrent) requireNoTransaction('REINDEX CONCURRENTLY', draft);
    else if (isWide) requireNoTransaction(`REINDEX ${what.toUpperCase()}`, draft);
    if (!isConcurrent && !draft.isNew(name)) draft.danger('reindex', name);
  },

  truncate(reader, draft) {
    reader.take('table');
    reader.take('only');
    for (const parts of reader.takeNames()) {
      const table = draft.nameOf(parts);
      draft.touch(table, exclusive);
      if (!draft.isNew(table)) draft.danger('truncate', table, `rows of ${table}`);
    }
    if (holds(reader.rest, 'cascade')) {
      draft.danger('drop-cascade', 'it (their rows)', 'rows of the tables that refer to it');
    }
  },

  vacuum(reader, draft) {
    requireNoTransaction('VACUUM', draft);
    const options = reader.skipParentheses();
    const isFull = reader.take('full') || options.some((token) => isWord(token, 'full'));
    while (reader.takeOneOf('freeze', 'verbose', 'analyze'));
    const names = reader.takeNames().map((parts) => draft.nameOf(parts));
    for (const table of names) draft.touch(table, isFull ? exclusive : gentle);
    if (!isFull) return;
    draft.rewrites = true;
    draft.danger(
      'vacuum-full',
      names.length === 0 ? 'Every table' : names.map((name) => `"${name}"`).join(', '),
    );
  },
};

function judgeRewrite(code: 'cluster-table', table: string, draft: AssessmentDraft): void {
  draft.touch(table, exclusive);
  if (draft.isNew(table)) return;
  draft.rewrites = true;
  draft.danger(code, table);
}

function requireNoTransaction(what: string, draft: AssessmentDraft): void {
  if (draft.context.inTransaction) draft.danger('concurrently-in-transaction', what);
}
