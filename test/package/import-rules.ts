/**
 * The rules of ARCHITECTURE.md on who may import whom, as data, and the detector that holds a tree against
 * them. A type import counts like any other: what cannot be explained without the floor above belongs there.
 */
import { readImports, resolveImport, type Import } from '../support/imports.ts';

/** The stair of the core, from the ground up. Rooms of one floor do not know each other. */
const stair = [
  ['foundation'],
  ['pool', 'domain'],
  ['config'],
  ['engine'],
  ['query', 'metrics'],
  ['provider'],
  ['repository'],
  ['transaction'],
] as const;

/** Rooms beside the stair: each can be left out, so neither the stair nor another of them knows it. */
const sideRooms: Readonly<Record<string, { beside: string } | { above: string }>> = {
  migrate: { beside: 'query' },
  cache: { above: 'transaction' },
  audit: { above: 'transaction' },
  security: { above: 'transaction' },
  outbox: { above: 'transaction' },
  copy: { above: 'transaction' },
  health: { above: 'transaction' },
  testing: { above: 'transaction' },
};

/** The rooms of migration sets that are named after their tables. */
const ownersOfSets: Readonly<Record<string, string>> = { legacy: 'chat', token: 'security' };

const coreDoor = 'src/core/index.ts';
/** The only modules that may name an engine; everybody else sees the contract. */
const knowTheEngines = ['src/core/provider/database-provider-factory.ts', coreDoor];
const drivers = ['better-sqlite3', 'pg'];
const ownName = 'liminal-data';

interface Place {
  readonly wing: 'core' | 'chat' | 'cli' | 'migrations' | 'elsewhere';
  /** The room of the core, or the owner of a set of migrations; empty for what all sets share. */
  readonly room: string;
  /** The engine that a file under `engine/` belongs to. */
  readonly engine: string | undefined;
}

function findPlace(path: string): Place {
  const parts = path.split('/');
  const [top, second, third, fourth] = parts;
  const engine = third === 'engine' && parts.length > 4 ? fourth : undefined;
  if (top === 'migrations') {
    return { wing: 'migrations', room: parts.length > 2 ? (second ?? '') : '', engine: undefined };
  }
  if (top !== 'src') return { wing: 'elsewhere', room: '', engine: undefined };
  if (second === 'core') return { wing: 'core', room: parts.length > 3 ? (third ?? '') : '', engine };
  if (second === 'chat' || second === 'cli') return { wing: second, room: '', engine: undefined };
  return { wing: 'elsewhere', room: '', engine: undefined };
}

function findFloor(room: string): number | undefined {
  const onStair = (name: string) => stair.findIndex((rooms) => rooms.some((candidate) => candidate === name));
  const side = sideRooms[room];
  if (side === undefined) return onStair(room) < 0 ? undefined : onStair(room);
  return 'beside' in side ? onStair(side.beside) : onStair(side.above) + 1;
}

/** Every import that breaks a rule, one line each, and every circle of files. */
export function findBreaches(sources: ReadonlyMap<string, string>): string[] {
  const breaches: string[] = [];
  const graph = new Map<string, string[]>();
  for (const [importer, source] of sources) {
    const imports = readImports(source);
    const targets: string[] = [];
    for (const found of imports) {
      const target = resolveImport(importer, found.specifier);
      if (target !== undefined) targets.push(target);
      const reason =
        target === undefined ? judgePackage(importer, found) : judgeModule(importer, target, sources);
      if (reason !== undefined) breaches.push(`${importer} imports ${found.specifier}: ${reason}`);
    }
    graph.set(importer, targets);
  }
  return [...breaches, ...findCircles(graph).map((circle) => `circle: ${circle.join(' -> ')}`)];
}

function judgePackage(importer: string, { specifier, kind }: Import): string | undefined {
  const name = specifier.split('/')[0] ?? '';
  const { wing, room } = findPlace(importer);
  if (wing === 'migrations' && name !== 'kysely') return 'a migration imports kysely and nothing else';
  if (name === ownName) return 'the package does not import itself by name';
  if (kind === 'value' && drivers.includes(name)) return 'a driver loads late: import type, then import()';
  if (wing === 'core' && !name.startsWith('node:')) {
    if (room === 'domain') return 'the domain is pure';
    if (room === 'foundation' && kind === 'value') return 'the domain stands on it and is pure';
  }
  return undefined;
}

function judgeModule(
  importer: string,
  target: string,
  sources: ReadonlyMap<string, string>,
): string | undefined {
  if (!sources.has(target)) return 'there is no such module under src or migrations';
  const from = findPlace(importer);
  const to = findPlace(target);
  if (to.wing === 'migrations') return judgeMigrations(importer, from, to);
  switch (from.wing) {
    case 'migrations':
      return 'a migration imports kysely and nothing of ours';
    case 'core':
      return to.wing === 'core' ? judgeCore(importer, target, from, to) : `core never imports ${to.wing}`;
    case 'chat':
      if (to.wing === 'cli') return 'chat never imports cli';
      return to.wing === 'core' && !isDoor(target)
        ? "chat enters the core by its doors' index.ts"
        : undefined;
    case 'cli':
    case 'elsewhere':
      return undefined;
  }
}

function judgeMigrations(importer: string, from: Place, to: Place): string | undefined {
  if (from.wing === 'migrations') {
    const shared = to.room === '';
    return shared || from.room === to.room ? undefined : 'a set of migrations imports its own folder alone';
  }
  if (from.wing === 'cli' || (importer === coreDoor && to.room !== 'chat')) return undefined;
  const owner = from.wing === 'chat' ? 'chat' : from.room;
  return (ownersOfSets[to.room] ?? to.room) === owner ? undefined : `these migrations belong to ${to.room}`;
}

function judgeCore(importer: string, target: string, from: Place, to: Place): string | undefined {
  if (target === coreDoor) return 'the door stands above every room';
  if (to.engine !== undefined && to.engine !== from.engine && !knowTheEngines.includes(importer)) {
    return from.engine === undefined
      ? 'only the factory names an engine'
      : 'an engine never imports its sibling';
  }
  if (importer === coreDoor || from.room === to.room) return undefined;
  const own = findFloor(from.room);
  const other = findFloor(to.room);
  if (own === undefined) return `src/core/${from.room} has no floor in import-rules.ts`;
  if (other === undefined) return `src/core/${to.room} has no floor in import-rules.ts`;
  if (other > own) return `upward, from ${from.room} to ${to.room}`;
  if (other === own) return `sideways, from ${from.room} to ${to.room}`;
  return sideRooms[to.room] === undefined ? undefined : `${to.room} stands beside the stair and is handed in`;
}

function isDoor(path: string): boolean {
  return path.endsWith('/index.ts');
}

/** One circle for each set of files that import each other, found depth first. */
function findCircles(graph: ReadonlyMap<string, readonly string[]>): string[][] {
  const circles: string[][] = [];
  const done = new Set<string>();
  const trail: string[] = [];
  const visit = (path: string): void => {
    const start = trail.indexOf(path);
    if (start >= 0) {
      circles.push([...trail.slice(start), path]);
      return;
    }
    if (done.has(path)) return;
    trail.push(path);
    for (const next of graph.get(path) ?? []) visit(next);
    trail.pop();
    done.add(path);
  };
  for (const path of graph.keys()) visit(path);
  return circles;
}
