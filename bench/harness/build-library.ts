import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { bundle } from '../../scripts/bundle.ts';
import { runCommand } from '../../scripts/run-command.ts';

const bench = fileURLToPath(new URL('..', import.meta.url));

/** Installs the peers where they are missing. They are no dependencies of the library, not even to develop it. */
export async function installPeers(): Promise<void> {
  if (existsSync(`${bench}node_modules`)) return;
  const { code, output } = await runCommand('npm', ['ci', '--prefix', bench]);
  if (code !== 0) throw new Error(`The peers could not be installed:\n${output}`);
}

/**
 * Bundles the library as it is published, into a folder of its own, so that nobody else's build gets in the
 * way. `LIMINAL_BENCH_BUILD` names one that is there already.
 *
 * @returns the build's folder, which goes when the process ends
 */
export async function buildLibrary(): Promise<string> {
  const given = process.env['LIMINAL_BENCH_BUILD'];
  if (given !== undefined) return given;
  mkdirSync(`${bench}.data`, { recursive: true });
  // Below the project, where imports of packages find them.
  const folder = mkdtempSync(`${bench}.data/library-`);
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  await bundle(folder);
  return folder;
}
