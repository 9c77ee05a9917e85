/** The whole test run against the Postgres of docker-compose.yml, which goes again whatever happens. */
import { runCommand, runTests } from './run-command.ts';

const port = process.env['LIMINAL_POSTGRES_PORT'] ?? '55432';
const url = `postgres://postgres:postgres@127.0.0.1:${port}/postgres`;

const engine = await runCommand('docker', ['info', '--format', '{{.ServerVersion}}']);
if (engine.code === 0) {
  process.exitCode = await testAgainstContainers();
} else {
  console.error(
    'test:containers needs a running Docker engine and found none: start Docker, or run `npm test`, which needs none.',
  );
  process.exitCode = 1;
}

async function testAgainstContainers(): Promise<number> {
  // Ctrl-C reaches the tests too; this process stays until the containers are gone.
  process.on('SIGINT', () => undefined);
  try {
    const up = await runCommand('docker', ['compose', 'up', '-d', '--wait'], { output: 'inherit' });
    return up.code === 0 ? await runTests({ TEST_POSTGRES_URL: url }) : up.code;
  } finally {
    await runCommand('docker', ['compose', 'down', '-v'], { output: 'inherit' });
  }
}
