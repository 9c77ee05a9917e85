import { expect } from 'chai';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { runCommand } from '../../scripts/run-command.ts';
import { findDoors, getBuiltPackage } from '../support/built-package.ts';

/** What importing a door brought with it. */
interface Loaded {
  /** URLs of the modules, in the order of their loading. */
  readonly modules: string[];
  /** Which of stdin, stdout and stderr were touched, which opens them. */
  readonly streams: string[];
  readonly hasCrypto: boolean;
}

const watchAndLoad = `
  import { registerHooks } from 'node:module';
  const modules = [];
  const streams = [];
  registerHooks({
    load(url, context, nextLoad) {
      modules.push(url);
      return nextLoad(url, context);
    },
  });
  for (const name of ['stdin', 'stdout', 'stderr']) {
    const { get } = Object.getOwnPropertyDescriptor(process, name);
    const watched = () => (streams.push(name), get.call(process));
    Object.defineProperty(process, name, { get: watched, configurable: true, enumerable: true });
  }
  await import(process.argv[1]);
  const loaded = { modules, streams: [...streams], hasCrypto: process.moduleLoadList.includes('NativeModule crypto') };
  console.log(JSON.stringify(loaded));`;

describe('a door loads lightly', function () {
  this.timeout(120_000);
  const doors = findDoors();
  let folder: string;

  before(async () => {
    folder = await getBuiltPackage();
  });

  for (const [door, file] of doors) {
    it(`${door}: a few files, no driver, no stream of the process and no cryptography`, async () => {
      const { modules, streams, hasCrypto } = await load(join(folder, file));
      const own = modules.filter((url) => url.startsWith(pathToFileURL(join(folder, 'dist')).href));
      // What several doors share is a chunk for each set of doors that share it; there are fourteen doors.
      expect(own.length).to.be.within(1, 63);
      expect(modules.filter((url) => /node_modules\/(better-sqlite3|pg)\//.test(url))).to.deep.equal([]);
      expect(modules.some((url) => /node_modules\/lru-cache\//.test(url))).to.equal(door === './cache');
      expect(streams).to.deep.equal([]);
      expect(hasCrypto).to.equal(false);
    });
  }
});

async function load(file: string): Promise<Loaded> {
  const url = pathToFileURL(file).href;
  const { code, stdout, output } = await runCommand('node', ['--input-type=module', '-e', watchAndLoad, url]);
  if (code !== 0) throw new Error(output);
  return JSON.parse(stdout) as Loaded;
}
