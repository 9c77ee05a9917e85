import type { CompiledQuery, Kysely, QueryResult } from 'kysely';
import { ValidationError } from '../foundation/errors/validation-error.ts';
import type { Issue } from '../foundation/issue.ts';
import type { PreparableQuery } from './prepared-query.ts';
import { statementRows } from './statement-rows.ts';
import type { StatementTarget } from './statement-target.ts';

/** A member of a batch: a prepared query `with` its parameters, one of Kysely's builders, or what it compiled to. */
export type BatchMember = CompiledQuery | PreparableQuery<unknown>;

/** The results of a batch, by its members: what `execute` of each one would return. */
export type BatchResults<Members extends readonly BatchMember[]> = {
  -readonly [Index in keyof Members]: RowOf<Members[Index]>[];
};

type RowOf<Member> =
  Member extends PreparableQuery<infer Row> ? Row : Member extends CompiledQuery<infer Row> ? Row : never;

/**
 * Runs statements as one transaction that is known whole from the start: all or nothing.
 *
 * @param members in their order; an empty list sends nothing
 * @param runInTransaction runs them one by one in a transaction, for engines without a shorter way
 * @returns the results, in the same order
 */
export async function runBatch<DB, const Members extends readonly BatchMember[]>(
  { db, direct }: StatementTarget<DB>,
  members: Members,
  runInTransaction: (statements: readonly CompiledQuery[]) => Promise<readonly QueryResult<unknown>[]>,
): Promise<BatchResults<Members>> {
  const statements = compileMembers(members, db);
  if (statements.length === 0) return [] as BatchResults<Members>;
  const results = await (direct === undefined ? runInTransaction(statements) : direct.batch(statements));
  const { adapter } = db.getExecutor();
  return statements.map(({ query }, index) =>
    statementRows(results[index]!, query, adapter),
  ) as BatchResults<Members>;
}

// The types say it all; this is for whoever writes JavaScript, or forgets the `with` of a prepared query.
function compileMembers<DB>(members: readonly BatchMember[], db: Kysely<DB>): CompiledQuery[] {
  if (!Array.isArray(members)) throw new ValidationError('A batch must be a list of its members.');
  const issues: Issue[] = [];
  const statements = Array.from(members as readonly unknown[], (member, index) => {
    const statement = isBuilder(member) ? member.compile(db) : member;
    if (!isCompiled(statement)) issues.push({ path: [index], message: noMember });
    return statement as CompiledQuery;
  });
  if (issues.length > 0) throw new ValidationError(issues);
  return statements;
}

const noMember =
  "must be a prepared query `with` its parameters, one of Kysely's builders, or a compiled query";

function isBuilder(member: unknown): member is PreparableQuery<unknown> {
  return typeof (member as Partial<PreparableQuery<unknown>> | null | undefined)?.compile === 'function';
}

function isCompiled(member: unknown): member is CompiledQuery {
  const { sql, query, parameters } = (member ?? {}) as Partial<CompiledQuery>;
  return typeof sql === 'string' && typeof query === 'object' && Array.isArray(parameters);
}
