/** Loaded by mocha before every run (.mocharc.json). Postgres starts with the first suite that asks for it. */
import { enableCompileCache } from 'node:module';
import { compileCache } from './compile-cache.ts';
import { stopPostgresServer } from './postgres-server.ts';
import { isSlowQueryLine } from './slow-query-lines.ts';

// Worker threads load the same sources again and again.
Object.assign(process.env, compileCache());
enableCompileCache(compileCache().NODE_COMPILE_CACHE);

// They would fill the report.
const { warn } = console;
console.warn = (...line: unknown[]) => {
  if (!isSlowQueryLine(String(line[0]))) warn(...line);
};

export async function mochaGlobalTeardown(): Promise<void> {
  await stopPostgresServer();
}

// Without this, Ctrl-C would leave the temporary folders: a signal ends Node without an 'exit' event.
for (const [signal, exitCode] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const) {
  process.once(signal, () => void stopPostgresServer().finally(() => process.exit(exitCode)));
}
