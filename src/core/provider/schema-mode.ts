import type { SchemaGuard, SchemaMode } from '../engine/schema-guard.ts';
import { ValidationError } from '../foundation/errors/validation-error.ts';

const modes: readonly SchemaMode[] = ['verify', 'migrate', 'ignore'];

/**
 * Decides what is done about the schema.
 *
 * @throws ValidationError where it is no mode, or there is nobody to answer for the schema
 */
export function checkSchemaMode(mode: SchemaMode | undefined, guard: SchemaGuard | undefined): SchemaMode {
  if (mode === undefined) return guard === undefined ? 'ignore' : 'verify';
  const path = ['schema'];
  if (!modes.includes(mode)) {
    throw new ValidationError([{ path, message: 'must be "verify", "migrate" or "ignore"' }]);
  }
  if (mode === 'ignore' || guard !== undefined) return mode;
  throw new ValidationError([
    {
      path,
      message: `cannot be "${mode}": hand the migration sets to createProvider as schema: guardSchema([…])`,
    },
  ]);
}
