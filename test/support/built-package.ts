/**
 * The package as it would be published: a copy of the working tree with a `dist` of its own, so that a test
 * run neither needs nor disturbs the `dist` of the developer.
 */
import { cpSync, readFileSync, symlinkSync } from 'node:fs';
import { basename, join } from 'node:path';
import { projectRoot, runCommand } from '../../scripts/run-command.ts';
import { makeTempDirectory } from './temp-directory.ts';

const leftOut = new Set(['.git', 'node_modules', 'dist', '.data']);

let built: Promise<string> | undefined;

/** Builds it at the first call of the process. @returns the folder that holds package.json and dist */
export function getBuiltPackage(): Promise<string> {
  built ??= buildPackage();
  return built;
}

async function buildPackage(): Promise<string> {
  const folder = makeTempDirectory('package');
  cpSync(projectRoot, folder, {
    recursive: true,
    filter: (source) => !leftOut.has(basename(source)) && !source.endsWith('.jsonl'),
  });
  symlinkSync(join(projectRoot, 'node_modules'), join(folder, 'node_modules'), 'junction');
  const { code, output } = await runCommand('node', ['scripts/build.ts'], { cwd: folder });
  if (code !== 0) throw new Error(`The package does not build:\n${output}`);
  return folder;
}

/** What the package can be imported by, and the file behind each, as `package.json` says it. */
export function findDoors(): [door: string, file: string][] {
  const { exports } = JSON.parse(readFileSync(join(projectRoot, 'package.json'), 'utf8')) as {
    exports: Record<string, string | { default: string }>;
  };
  return Object.entries(exports).flatMap(([door, target]) =>
    typeof target === 'string' ? [] : [[door, target.default] as [string, string]],
  );
}
