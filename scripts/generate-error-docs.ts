/** Writes docs/errors.md from the error classes; with `--check` it only tells whether the page is up to date. */
import { readFileSync, writeFileSync } from 'node:fs';
import { renderErrorDocs } from './error-docs.ts';
import { projectRoot } from './run-command.ts';
import { join } from 'node:path';

const file = join(projectRoot, 'docs/errors.md');
const text = renderErrorDocs();
if (process.argv.includes('--check')) {
  if (readFileSync(file, 'utf8') !== text) {
    console.error('docs/errors.md is not what the error classes say. Run: npm run docs:errors');
    process.exitCode = 1;
  }
} else {
  writeFileSync(file, text);
}
