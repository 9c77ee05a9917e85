/** The helpers that the runner passes in keep the shape that frozen migrations expect. */
import { chatMigrations } from '../../migrations/chat/index.ts';
import type { ColumnHelpersV1 } from '../../migrations/column-helpers-v1.ts';
import { healthMigrations } from '../../migrations/health/index.ts';
import type { ColumnHelpers, MigrationSet } from '../../src/core/migrate/index.ts';

export function helpersFitVersionOne(t: ColumnHelpers): ColumnHelpersV1 {
  return t;
}

export const plainDataIsAMigrationSet: readonly MigrationSet[] = [chatMigrations, healthMigrations];
