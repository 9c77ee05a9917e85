import type { Command } from 'commander';
import { addAuditKeep } from './audit-keep.ts';
import { addAuditLook } from './audit-look.ts';
import { addAuditProve } from './audit-prove.ts';
import type { Cli } from './cli.ts';

/** Adds the verbs of `audit`: those that look into the trail, and those that keep it. */
export function addAuditCommand(program: Command, cli: Cli): void {
  const audit = program
    .command('audit')
    .description('read the audit trail, prove it, and keep it as the law asks');
  addAuditProve(audit, cli);
  addAuditLook(audit, cli);
  addAuditKeep(audit, cli);
}
