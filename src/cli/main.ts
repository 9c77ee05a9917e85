#!/usr/bin/env node
/** The bin `liminal-data`. It only starts: on a Node that is too old, loading the rest says so. */
import process from 'node:process';

let outputIsLost = false;

// The work goes on: half a migration run would be worse than one that nobody reads about.
function noteLostOutput({ code }: NodeJS.ErrnoException): void {
  // Whoever closed the pipe, as `head` does, has read what they wanted.
  if (code === 'EPIPE' || outputIsLost) return;
  outputIsLost = true;
  process.exitCode = 1;
  process.stderr.write(`error: The output cannot be written (${code ?? 'unknown'}).\n`);
}

process.stdout.on('error', noteLostOutput);
process.stderr.on('error', noteLostOutput);

try {
  const { runCli } = await import('./run-cli.ts');
  const exitCode = await runCli(process.argv.slice(2));
  process.exitCode ??= exitCode;
} catch (error) {
  process.stderr.write(`error: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
