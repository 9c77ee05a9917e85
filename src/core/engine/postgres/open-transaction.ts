import type { TransactionSettings } from 'kysely';
import { ValidationError } from '../../foundation/errors/validation-error.ts';
import type { WireResult } from './postgres-exchange.ts';
import type { SessionStatement } from './postgres-session.ts';

/** What is known of a transaction that `begin` was called for. */
export interface OpenTransaction {
  /** The BEGIN that is still to be sent; undefined once it was. */
  begin: string | undefined;
  /** Its number as the server has told it: null where it had not written yet, undefined where nothing is known. */
  xid: string | null | undefined;
  /** Whether its statements may take as long as they need; see statement-limit.ts. */
  isUnlimited: boolean;
}

/** @throws ValidationError for an isolation level that Postgres does not have */
export function openTransaction({ isolationLevel, accessMode }: TransactionSettings): OpenTransaction {
  if (isolationLevel === 'snapshot') {
    throw new ValidationError(
      'Postgres has no isolation level "snapshot". Use "repeatable read", which reads one.',
    );
  }
  const isolation = isolationLevel === undefined ? '' : ` isolation level ${isolationLevel}`;
  const access = accessMode === undefined ? '' : ` ${accessMode}`;
  const begin = `begin${isolation}${access}`;
  return { begin, xid: begin.endsWith('read only') ? null : undefined, isUnlimited: false };
}

/** A statement with the limit that holds in a transaction; undefined stands for none. */
export function withLimitOf(
  transaction: OpenTransaction | undefined,
  statement: SessionStatement,
): SessionStatement {
  return transaction?.isUnlimited === true ? { ...statement, limit: 0 } : statement;
}

/** What the answer to `askForXid` says; undefined where there is none. */
export function xidOf(result: WireResult | undefined): string | null | undefined {
  return result?.rows[0]?.['xid'] as string | null | undefined;
}
