/** Loaded by mocha before every run (.mocharc.json). Postgres starts with the first suite that asks for it. */
import { stopPostgresServer } from './postgres-server.ts';

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
