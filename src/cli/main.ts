#!/usr/bin/env node
/** The bin `liminal-data`. It only starts: on a Node that is too old, loading the rest says so. */
import process from 'node:process';

try {
  const { runCli } = await import('./run-cli.ts');
  process.exitCode = await runCli(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`error: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
