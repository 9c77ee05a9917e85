/**
 * An empty project of somebody else with the packed library in it, installed by npm without a network:
 * what the library needs is packed from the node_modules of this tree.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot, runCommand } from '../../scripts/run-command.ts';
import { getBuiltPackage } from './built-package.ts';
import { makeTempDirectory } from './temp-directory.ts';

export interface StrangerProject {
  readonly folder: string;
  /** Paths in the tarball of the library, without npm's leading `package/`. */
  readonly packedFiles: readonly string[];
  /** Runs a program in the project; returns what it prints; a failure throws with the whole output. */
  run(command: string, ...args: string[]): Promise<string>;
}

/** The types of the drivers are left out on purpose: nobody may need them to use the library. */
const neighbours = ['kysely', 'better-sqlite3', 'pg', '@types/node'];

export async function makeStrangerProject(): Promise<StrangerProject> {
  const folder = makeTempDirectory('stranger');
  const tarballs = makeTempDirectory('tarballs');
  const run = (command: string, ...args: string[]) => runOrThrow(folder, command, args);
  const library = await getBuiltPackage();
  const packed: unknown = JSON.parse(
    await run('npm', 'pack', '--json', '--ignore-scripts', '--pack-destination', tarballs, library),
  );
  const needed = findPackages([...neighbours, ...readDependencies(library)]);
  await run('npm', 'pack', '--silent', '--ignore-scripts', '--pack-destination', tarballs, ...needed);
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true, type: 'module' }));
  await run(
    'npm',
    'install',
    '--offline',
    '--ignore-scripts',
    '--no-audit',
    '--no-fund',
    ...readdirSync(tarballs).map((name) => join(tarballs, name)),
  );
  return { folder, packedFiles: readPackedFiles(packed), run };
}

/** The folders of the packages and of all that they depend on. */
function findPackages(names: readonly string[]): string[] {
  const folders = new Map<string, string>();
  const waiting = [...names];
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    if (folders.has(name)) continue;
    const folder = join(projectRoot, 'node_modules', name);
    folders.set(name, folder);
    waiting.push(...readDependencies(folder));
  }
  return [...folders.values()];
}

function readDependencies(folder: string): string[] {
  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
    dependencies?: Record<string, string>;
  };
  return Object.keys(manifest.dependencies ?? {});
}

function readPackedFiles(packed: unknown): string[] {
  const [tarball] = Object.values(packed as Record<string, { files: { path: string }[] }>);
  if (tarball === undefined) throw new Error('npm pack listed no tarball.');
  return tarball.files.map(({ path }) => path);
}

async function runOrThrow(cwd: string, command: string, args: readonly string[]): Promise<string> {
  const { code, stdout, output } = await runCommand(command, args, { cwd });
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} ended with code ${code}:\n${output}`);
  return stdout;
}
