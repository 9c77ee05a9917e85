import { expect } from 'chai';
import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { makeTempDirectory } from '../support/temp-directory.ts';

const folder = fileURLToPath(new URL('../core/cache/redis/', import.meta.url));

describe('a run without Redis', () => {
  it('says so for each test that needs one, and declares none of them', async function () {
    this.timeout(120_000);
    const files = readdirSync(folder).filter((name) => name.endsWith('.test.ts'));
    const env = {
      ...process.env,
      // Nobody listens there, and no program lies on the path.
      TEST_REDIS_URL: 'redis://127.0.0.1:1',
      PATH: makeTempDirectory('no-redis'),
      LIMINAL_TEST_SKIP: 'postgres',
    };
    const mocha = fileURLToPath(new URL('../../node_modules/mocha/bin/mocha.js', import.meta.url));
    const args = [mocha, ...files.map((name) => join(folder, name))];
    const { stdout } = await promisify(execFile)(process.execPath, args, { env });
    const lines = stdout.trimEnd().split('\n');
    const told = lines.filter((line) => line.startsWith('not run: redis ('));
    for (const line of told) expect(line).to.match(/: no (server at TEST_REDIS_URL|redis-server on PATH)/);
    // All but two: what is written and read, and what is refused before a server is asked.
    expect(told.length).to.be.at.least(files.length - 2);
    expect(lines.at(-1)).to.match(/^\d+ passed, 0 failed, 0 skipped$/);
  });
});
