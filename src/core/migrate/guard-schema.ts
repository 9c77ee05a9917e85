import type { SchemaGuard } from '../engine/schema-guard.ts';
import { IntegrityDriftError, MigrationError } from '../foundation/errors/migration-errors.ts';
import { migrateToLatest } from './migrate-to-latest.ts';
import type { MigrationSet } from './migration-set.ts';
import type { MigratorOptions } from './migrator.ts';
import { orderSets } from './order-sets.ts';
import { describeVerification, verifyMigrations, type SetVerification } from './verify-migrations.ts';

/**
 * Lets a provider answer for its schema when it is initialised. It looks at nothing by itself:
 * `provider.initialize({ schema })` says what is done.
 *
 * @param sets the histories that the service needs
 * @param options how migrations wait and report
 * @returns what goes to `schema` of `createProvider`
 * @throws ConfigurationError where the sets do not fit each other
 * @throws ValidationError where a set breaks a rule
 * @example
 * const provider = DatabaseProviderFactory.createProvider(url, { schema: guardSchema([notes]) });
 * await provider.initialize({ schema: 'verify' });
 */
export function guardSchema(sets: readonly MigrationSet[], options: MigratorOptions = {}): SchemaGuard {
  const ordered = orderSets(sets);
  return {
    async check(database, mode) {
      if (mode === 'migrate') await migrateToLatest(database, ordered, options);
      // Without the look for damage, which reads the whole file: a service is to start soon.
      const verification = await verifyMigrations(database, ordered, { integrity: false });
      if (!verification.isSound) throw new IntegrityDriftError(describeVerification(verification));
      const pending = verification.sets.find((set) => set.pending.length > 0);
      if (pending !== undefined) throw pendingError(pending);
    },
  };
}

function pendingError({ set, pending }: SetVerification): MigrationError {
  return new MigrationError(
    `The service was not to start on a schema that is behind, and set "${set}" has ${pending.length} pending: ${pending.join(', ')}. Run "liminal-data migrate latest", or initialize with schema: 'migrate'.`,
    set,
    pending[0],
  );
}
