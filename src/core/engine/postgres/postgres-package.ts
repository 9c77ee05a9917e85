import type * as Pg from 'pg';
import { ConfigurationError } from '../../foundation/errors/configuration-error.ts';

/** What is used of the package pg. */
export type PgPackage = Pick<typeof Pg, 'Client' | 'Pool' | 'types'>;

/**
 * Loads pg, when the first connection is made and not before.
 *
 * @throws ConfigurationError that says how to install it
 */
export async function loadPg(): Promise<PgPackage> {
  try {
    const { default: pg } = await import('pg');
    return pg;
  } catch (cause) {
    throw new ConfigurationError(
      'Postgres needs the package pg 8.21 or newer, which could not be loaded. Run: npm install pg',
      { cause },
    );
  }
}
