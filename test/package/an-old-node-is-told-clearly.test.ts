import { expect } from 'chai';
import { delimiter, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { runCommand } from '../../scripts/run-command.ts';
import { findDoors, getBuiltPackage } from '../support/built-package.ts';
import { reportNotRun } from '../support/reporter.ts';

const oldVersion = '20.20.2';

/** Runs before the library: claims an old version, and tells when a native addon is loaded. */
const pretendToBeOld = `
  const versions = { ...process.versions, node: '${oldVersion}' };
  Object.defineProperty(process, 'versions', { value: versions });
  Object.defineProperty(process, 'version', { value: 'v${oldVersion}' });
  process.dlopen = (module, file) => { throw new Error('loaded the addon ' + file); };`;
const preload = ['--import', `data:text/javascript,${encodeURIComponent(pretendToBeOld)}`];

const loadDoor = `import(process.argv[1]).then(
  () => console.log('loaded'),
  (error) => console.error(error.name + ' ' + error.code + ' ' + error.message));`;

const doors = findDoors();
const oldNodes = await findOldNodes();
if (oldNodes.length === 0) {
  reportNotRun('the door on a real old Node', 'no Node below 22 on PATH; a pretended one took part');
}

describe('an old Node is told clearly', function () {
  this.timeout(120_000);
  let folder: string;

  before(async () => {
    folder = await getBuiltPackage();
  });

  for (const [door, file] of doors) {
    it(`by the door ${door}, in one line, before a native driver is loaded`, async () => {
      const url = pathToFileURL(join(folder, file)).href;
      const { output } = await runCommand(process.execPath, [...preload, '-e', loadDoor, url]);
      expectOneClearLine(output, oldVersion);
    });
  }

  it('by the command line, with exit code 1', async () => {
    const main = join(folder, 'dist', 'src', 'cli', 'main.js');
    const { code, output } = await runCommand(process.execPath, [...preload, main, '--version']);
    expect(code).to.equal(1);
    expect(output.trim().split('\n')).to.have.lengthOf(1);
    expect(output).to.contain('needs Node 22 or newer');
  });

  it('but a current Node loads the same door', async () => {
    const url = pathToFileURL(join(folder, 'dist', 'src', 'core', 'index.js')).href;
    const { output } = await runCommand(process.execPath, ['-e', loadDoor, url]);
    expect(output).to.equal('loaded\n');
  });

  for (const { path, version } of oldNodes) {
    it(`by a real Node ${version}`, async () => {
      const url = pathToFileURL(join(folder, 'dist', 'src', 'core', 'index.js')).href;
      const { output } = await runCommand(path, ['-e', loadDoor, url]);
      expectOneClearLine(output, version);
    });
  }
});

function expectOneClearLine(output: string, version: string): void {
  expect(output.trim().split('\n')).to.have.lengthOf(1);
  expect(output).to.match(/^ConfigurationError LIMINAL_CONFIGURATION .*needs Node 22 or newer/);
  expect(output).to.contain(version);
}

async function findOldNodes(): Promise<{ path: string; version: string }[]> {
  const found = new Map<string, string>();
  for (const folder of new Set((process.env['PATH'] ?? '').split(delimiter))) {
    const path = join(folder, 'node');
    const { code, output } = await runCommand(path, ['--print', 'process.versions.node']);
    const version = output.trim();
    if (code === 0 && Number.parseInt(version, 10) < 22 && !found.has(version)) found.set(version, path);
  }
  return Array.from(found, ([version, path]) => ({ path, version }));
}
