import type * as Pg from 'pg';
import { ConfigurationError } from '../../foundation/errors/configuration-error.ts';
import { assertNodeVersion } from '../../foundation/runtime.ts';
import type { WireValue } from './postgres-exchange.ts';

/** What is used of the package pg; its types leave `utils` out. */
export type PgPackage = Pick<typeof Pg, 'Client' | 'types'> & {
  readonly utils: { readonly prepareValue: (value: unknown) => WireValue };
};

/**
 * Loads pg, when the first connection is made and not before.
 *
 * @throws ConfigurationError that says how to install it
 */
export async function loadPg(): Promise<PgPackage> {
  assertNodeVersion();
  try {
    const { default: pg } = await import('pg');
    return pg as unknown as PgPackage;
  } catch (cause) {
    throw new ConfigurationError(
      'Postgres needs the package pg 8.21 or newer, which could not be loaded. Run: npm install pg',
      { cause },
    );
  }
}
