import type { StatementRule } from '../assessment-draft.ts';
import { TokenReader } from '../token-reader.ts';

/** SET changes nothing that outlives its session; but what runs behind it may mean something else. */
export const judgeSet: StatementRule = (tokens, draft) => {
  draft.kind = 'set';
  const reader = new TokenReader(tokens);
  reader.take('set');
  reader.takeOneOf('session', 'local');
  if (reader.takeName()?.join('.') !== 'session_replication_role') return;
  const value = reader.rest.at(-1)?.text.toLowerCase().replaceAll("'", '');
  if (value !== 'origin' && value !== 'default') draft.danger('disable-trigger', 'session_replication_role');
};
