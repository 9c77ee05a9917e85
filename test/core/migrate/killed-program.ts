/**
 * A process of its own that migrates the chat's set up or down, and kills itself at the n-th statement, counted from 1:
 * before it is sent, or behind its answer.
 */
import process from 'node:process';
import { DatabaseProviderFactory } from '../../../src/core/index.ts';
import { Migrator } from '../../../src/core/migrate/index.ts';
import { chatMigrations } from '../../../migrations/chat/index.ts';

export interface KilledProgramPlan {
  readonly url: string;
  /** Where it goes: the last migration, or nothing. */
  readonly to: string | null;
  /** Too large a number lets it come to its end. */
  readonly killAt: number;
}

const { url, to, killAt } = JSON.parse(process.argv[2] ?? '') as KilledProgramPlan;
let statements = 0;
await using provider = DatabaseProviderFactory.createProvider<unknown>(url, {
  onStatement: () => {
    statements += 1;
    if (statements === killAt) process.kill(process.pid, 'SIGKILL');
  },
});
await new Migrator(provider, chatMigrations).to(to);
process.stdout.write(`${statements}\n`);
