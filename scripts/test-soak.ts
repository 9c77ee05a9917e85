/** The whole test run with every count in full: minutes, not seconds. */
import { runTests } from './run-command.ts';

process.exitCode = await runTests({ LIMINAL_SOAK: '1' });
