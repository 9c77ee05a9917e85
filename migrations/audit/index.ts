import * as auditLogs from './0001-audit-logs.ts';

/** The history of the audit trail's tables, in the order in which it runs. */
export const auditMigrations = {
  name: 'audit',
  migrations: [{ name: '0001-audit-logs', up: auditLogs.up, down: auditLogs.down }],
} as const;
