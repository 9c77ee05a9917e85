import * as healthChecks from './0001-health-checks.ts';

/** The history of the health tables, in the order in which it runs. */
export const healthMigrations = {
  name: 'health',
  migrations: [{ name: '0001-health-checks', up: healthChecks.up, down: healthChecks.down }],
} as const;
