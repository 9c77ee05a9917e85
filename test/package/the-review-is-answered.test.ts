import { expect } from 'chai';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { projectRoot } from '../../scripts/run-command.ts';

const page = readFileSync(join(projectRoot, 'docs', 'from-the-review.md'), 'utf8');

/** What the review calls its samples, and what it complains of most. Each must have a row. */
const namesOfTheReview = [
  'BaseDatabaseProvider',
  'DatabaseProvider',
  'SQLiteProvider',
  'PostgresProvider',
  'MySQLProvider',
  'DatabaseProviderFactory',
  'DatabaseConfig',
  'SQLiteConnectionPool',
  'Migration',
  'MigrationManager',
  'Transaction',
  'UnitOfWork',
  'RepositoryCache',
  'QueryBuilder',
  'DatabaseMetrics',
  'AuditLogger',
  'AuditEvent',
  'normalizeThreadMessages',
  'BYPASS_AUTH',
];

interface Row {
  readonly finding: string;
  readonly answer: string;
  readonly state: string;
}

/** A name of ours: exported by a door, with a member where a dot follows, or a path. */
interface Doors {
  /** Every name that a door lists, types too. */
  readonly names: ReadonlySet<string>;
  /** What the doors give at run time, by name. */
  readonly values: ReadonlyMap<string, unknown>;
}

describe('the review is answered', () => {
  const rows = readRows(page);
  let doors: Doors;

  before(async () => {
    doors = await readDoors();
  });

  it('with a row for each name of its samples', () => {
    const findings = rows.map(({ finding }) => finding);
    expect(namesOfTheReview.filter((name) => !findings.includes(`\`${name}\``))).to.deep.equal([]);
  });

  it('with one of four states in each row', () => {
    const states = new Set(['here', 'partly', 'planned', 'not ours']);
    expect(rows.filter(({ state }) => !states.has(state))).to.deep.equal([]);
  });

  it('by names that exist, wherever a row says that something is here', () => {
    const built = rows.filter(({ state }) => state === 'here' || state === 'partly');
    expect(built.length).to.be.greaterThan(40);
    expect(built.flatMap((row) => findFaults(row, doors))).to.deep.equal([]);
  });

  it('and a row is rejected whose name does not exist', () => {
    const judge = (answer: string) => findFaults({ finding: 'x', answer, state: 'here' }, doors);
    expect(judge('`Repository.update`, `Filter`, `src/core/index.ts`')).to.deep.equal([]);
    expect(judge('`GoneRepository`')).to.deep.equal(['x: no door exports GoneRepository']);
    expect(judge('`Repository.mend`')).to.deep.equal(['x: Repository has no mend']);
    expect(judge('`src/core/gone.ts`')).to.deep.equal(['x: there is no file src/core/gone.ts']);
    expect(judge('soon')).to.deep.equal(['x: names nothing of ours']);
  });
});

/** The rows of every table of the page that has the five columns. */
function readRows(markdown: string): Row[] {
  return markdown
    .split('\n')
    .filter((line) => line.startsWith('|') && !/^\|[\s|:-]+\|$/.test(line))
    .map((line) =>
      line
        .slice(1, -1)
        .split('|')
        .map((cell) => cell.trim()),
    )
    .filter(([finding]) => finding !== 'There')
    .map((cells) => {
      expect(cells, `cells of the row "${cells[0]}"`).to.have.lengthOf(5);
      const [finding = '', , answer = '', , state = ''] = cells;
      return { finding, answer, state };
    });
}

function findFaults({ finding, answer }: Row, doors: Doors): string[] {
  const names = Array.from(answer.matchAll(/`([^`]+)`/g), ([, name = '']) => name);
  if (names.length === 0) return [`${finding}: names nothing of ours`];
  return names.flatMap((name) => {
    const fault = judgeName(name, doors);
    return fault === undefined ? [] : [`${finding}: ${fault}`];
  });
}

function judgeName(name: string, { names, values }: Doors): string | undefined {
  if (name.includes('/')) {
    return existsSync(join(projectRoot, name)) ? undefined : `there is no file ${name}`;
  }
  const [exported = '', member] = name.split('.');
  if (!names.has(exported)) return `no door exports ${exported}`;
  if (member === undefined) return undefined;
  const value = values.get(exported);
  const owner: unknown = typeof value === 'function' ? value.prototype : value;
  return typeof owner === 'object' && owner !== null && member in owner
    ? undefined
    : `${exported} has no ${member}`;
}

async function readDoors(): Promise<Doors> {
  const { exports } = JSON.parse(readFileSync(join(projectRoot, 'package.json'), 'utf8')) as {
    exports: Record<string, string | { default: string }>;
  };
  const names = new Set<string>();
  const values = new Map<string, unknown>();
  for (const target of Object.values(exports)) {
    if (typeof target === 'string') continue;
    const source = join(projectRoot, target.default.replace(/^\.\/dist\//, '').replace(/\.js$/, '.ts'));
    for (const name of readExportedNames(readFileSync(source, 'utf8'))) names.add(name);
    const door = (await import(pathToFileURL(source).href)) as Record<string, unknown>;
    for (const [name, value] of Object.entries(door)) values.set(name, value);
  }
  return { names, values };
}

/** A door only lists names, so its braces hold all of them. */
function readExportedNames(source: string): string[] {
  return Array.from(source.matchAll(/export (?:type )?\{([^}]*)\}/g), ([, list = '']) => list)
    .flatMap((list) => list.split(','))
    .map((entry) =>
      entry
        .trim()
        .replace(/^type /, '')
        .replace(/^.* as /, ''),
    )
    .filter((name) => name !== '');
}
