/** Compiles `src` and `migrations` into an empty `dist`: a module that was removed must not be shipped again. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot, runCommand } from './run-command.ts';

rmSync(join(projectRoot, 'dist'), { recursive: true, force: true });
const { code } = await runCommand('tsc', ['-p', 'tsconfig.build.json'], { output: 'inherit' });
process.exitCode = code;
