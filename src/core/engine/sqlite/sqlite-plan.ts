import type { PlanTraits } from '../statement-assessment.ts';
import { TokenReader } from '../token-reader.ts';
import { assessSqlite } from './sqlite-assessment.ts';
import { sqliteStatements } from './sqlite-statements.ts';

/** Statements that cannot run in a transaction. */
const never = ['vacuum', 'attach', 'detach', 'begin', 'commit', 'end', 'pragma'];

/** What SQLite knows of the statements of a plan: rules alone. */
export const sqlitePlan: PlanTraits = {
  assess: assessSqlite,
  runnable(sql) {
    const [tokens = []] = sqliteStatements(sql);
    const word = new TokenReader(tokens).takeOneOf(...never, 'rollback');
    if (word === undefined || (word === 'pragma' && assessSqlite(sql, nothing).kind === 'read')) return sql;
    return word === 'rollback' && tokens.some(({ text }) => text === 'to') ? sql : undefined;
  },
};

const nothing = {
  inTransaction: false,
  schema: undefined,
  made: new Set<string>(),
  altered: new Set<string>(),
  unvalidated: new Set<string>(),
};
