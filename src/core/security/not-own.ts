import { ForbiddenError } from '../foundation/errors/security-errors.ts';
import type { RowRule } from './row-rule.ts';

/** The error of a row that does not carry the actor's value. */
export function notOwn(table: string, { column }: RowRule): ForbiddenError {
  return new ForbiddenError(
    `A row of table "${table}" was to be stored for somebody else: its column "${column}" must hold the actor's value. Nothing was sent.`,
  );
}
