/** Builds the package into an empty `dist`: a module that was removed must not be shipped again. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { bundle } from './bundle.ts';
import { projectRoot, runCommand } from './run-command.ts';

const dist = join(projectRoot, 'dist');
rmSync(dist, { recursive: true, force: true });
const [{ code }] = await Promise.all([
  runCommand('tsc', ['-p', 'tsconfig.build.json'], { output: 'inherit' }),
  bundle(dist),
]);
process.exitCode = code;
