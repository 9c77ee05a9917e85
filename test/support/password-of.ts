import type { PostgresServer } from '../../src/core/config/postgres-config.ts';
import { Secret } from '../../src/core/foundation/secret.ts';

/** The password of a server; undefined where it has none, or one that comes later. */
export function passwordOf(connection: unknown): string | undefined {
  const { password } = connection as PostgresServer;
  return password instanceof Secret ? password.reveal() : undefined;
}
