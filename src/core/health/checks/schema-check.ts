import type { Kysely } from 'kysely';
import type { SchemaGuard } from '../../engine/schema-guard.ts';
import type { Clock } from '../../foundation/clock.ts';
import { IntegrityDriftError, MigrationError } from '../../foundation/errors/migration-errors.ts';
import type { CheckFinding, HealthCheck } from '../health-check.ts';
import type { HealthProvider } from '../health-provider.ts';

/** What the look at a schema needs. */
export interface SchemaCheckOptions {
  readonly guard: SchemaGuard;
  /** For how long an answer is kept, in ms: it reads the whole schema. */
  readonly maxAge: number;
  readonly clock: Clock;
}

/**
 * Looks for migrations that are pending, which the program cannot do without, and for a schema that is not what its
 * migrations left, which somebody should look at while the service goes on. What is pending is looked for anew each
 * time: it ends at any moment.
 */
export function schemaCheck(
  { db, migrations }: Pick<HealthProvider, 'db' | 'migrations'>,
  { guard, maxAge, clock }: SchemaCheckOptions,
): HealthCheck {
  let kept: { readonly finding: CheckFinding; readonly until: number } | undefined;
  return {
    name: 'schema',
    async run() {
      if (kept !== undefined && clock.monotonic() < kept.until) return kept.finding;
      kept = undefined;
      const finding = await look(guard, { db: db as Kysely<unknown>, migrations });
      if (finding.status !== 'unhealthy') kept = { finding, until: clock.monotonic() + maxAge };
      return finding;
    },
  };
}

async function look(
  guard: SchemaGuard,
  database: Parameters<SchemaGuard['check']>[0],
): Promise<CheckFinding> {
  try {
    await guard.check(database, 'verify');
    return { status: 'healthy', message: 'Nothing is pending, and the schema is as recorded.' };
  } catch (error) {
    if (error instanceof MigrationError) {
      return { status: 'unhealthy', message: 'Migrations are pending.', detail: error.message };
    }
    if (error instanceof IntegrityDriftError) {
      const message = 'The schema is not what its migrations left.';
      return { status: 'degraded', message, detail: error.message };
    }
    throw error;
  }
}
