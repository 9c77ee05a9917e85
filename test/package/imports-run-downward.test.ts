import { expect } from 'chai';
import { fileURLToPath } from 'node:url';
import { readImports, readSources } from '../support/imports.ts';
import { findBreaches } from './import-rules.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** A small tree that keeps every rule. Each mutant changes one file of it and must be found out. */
const soundTree = {
  'src/core/foundation/clock.ts': '',
  'src/core/pool/pool.ts': `import type { Clock } from '../foundation/clock.ts';`,
  'src/core/domain/entity.ts': `import { now } from '../foundation/clock.ts';`,
  'src/core/domain/index.ts': `export { entity } from './entity.ts';`,
  'src/core/config/database-config.ts': `import { entity } from '../domain/entity.ts';`,
  'src/core/engine/engine.ts': `import type { DatabaseConfig } from '../config/database-config.ts';`,
  'src/core/engine/sqlite/sqlite-engine.ts': [
    `import type BetterSqlite from 'better-sqlite3';`,
    `import type { Engine } from '../engine.ts';`,
    `export const load = () => import('better-sqlite3');`,
  ].join('\n'),
  'src/core/engine/postgres/postgres-engine.ts': `import type { Engine } from '../engine.ts';`,
  'src/core/query/filter.ts': `import { sql } from 'kysely';\nimport '../engine/engine.ts';`,
  'src/core/migrate/migrator.ts': `import '../engine/engine.ts';`,
  'src/core/migrate/index.ts': `export * from './migrator.ts';`,
  'src/core/provider/database-provider-factory.ts': `import { sqlite } from '../engine/sqlite/sqlite-engine.ts';`,
  'src/core/transaction/unit-of-work.ts': `import '../provider/database-provider-factory.ts';`,
  'src/core/cache/cache-store.ts': `import '../transaction/unit-of-work.ts';`,
  'src/core/audit/audit-log.ts': `import { audit } from '../../../migrations/audit/index.ts';`,
  'src/core/index.ts': `export * from './cache/cache-store.ts';\nexport * from './migrate/index.ts';`,
  'src/chat/ids.ts': `import { entity } from '../core/domain/index.ts';`,
  'src/chat/open-chat-store.ts': `import '../core/index.ts';\nimport '../../migrations/chat/index.ts';`,
  'src/cli/main.ts': `import '../chat/open-chat-store.ts';`,
  'migrations/column-helpers-v1.ts': `import type { RawBuilder } from 'kysely';`,
  'migrations/audit/index.ts': '',
  'migrations/chat/0001-users.ts': `import { sql } from 'kysely';\nimport type { T } from '../column-helpers-v1.ts';`,
  'migrations/chat/index.ts': `import * as users from './0001-users.ts';`,
};

const mutants: readonly (readonly [string, keyof typeof soundTree, string, RegExp])[] = [
  ['upward', 'src/core/pool/pool.ts', `import '../engine/engine.ts';`, /upward, from pool to engine/],
  [
    'upward by a type alone',
    'src/core/config/database-config.ts',
    `import type { Engine } from '../engine/engine.ts';`,
    /upward/,
  ],
  [
    'upward by a re-export over many lines',
    'src/core/foundation/clock.ts',
    `export {\n  pool,\n  other,\n} from '../pool/pool.ts';`,
    /upward/,
  ],
  [
    'upward by a late import',
    'src/core/query/filter.ts',
    `const load = () => import('../provider/database-provider-factory.ts');`,
    /upward/,
  ],
  ['to the own door', 'src/core/cache/cache-store.ts', `import '../index.ts';`, /the door stands above/],
  ['sideways on one floor', 'src/core/pool/pool.ts', `import '../domain/entity.ts';`, /sideways/],
  ['between side rooms', 'src/core/cache/cache-store.ts', `import '../audit/audit-log.ts';`, /sideways/],
  [
    'between side rooms of different height',
    'src/core/audit/audit-log.ts',
    `import '../migrate/migrator.ts';`,
    /beside the stair/,
  ],
  [
    'from the stair to a side room below it',
    'src/core/transaction/unit-of-work.ts',
    `import '../migrate/migrator.ts';`,
    /beside the stair/,
  ],
  [
    'between sibling engines',
    'src/core/engine/postgres/postgres-engine.ts',
    `import '../sqlite/sqlite-engine.ts';`,
    /sibling/,
  ],
  [
    'from the contract to an engine',
    'src/core/query/filter.ts',
    `import '../engine/sqlite/sqlite-engine.ts';`,
    /only the factory/,
  ],
  ['from core to chat', 'src/core/index.ts', `export * from '../chat/ids.ts';`, /core never imports chat/],
  [
    'from core to the migrations of chat',
    'src/core/index.ts',
    `import '../../migrations/chat/index.ts';`,
    /belong to chat/,
  ],
  ['from chat past a door', 'src/chat/ids.ts', `import '../core/domain/entity.ts';`, /doors/],
  ['from chat to cli', 'src/chat/ids.ts', `import '../cli/main.ts';`, /chat never imports cli/],
  [
    'from a migration to the library',
    'migrations/chat/0001-users.ts',
    `import type { Clock } from '../../src/core/foundation/clock.ts';`,
    /nothing of ours/,
  ],
  ['from a migration to a package', 'migrations/chat/0001-users.ts', `import 'zod';`, /nothing else/],
  [
    'from a migration to another set',
    'migrations/chat/0001-users.ts',
    `import '../audit/index.ts';`,
    /own folder alone/,
  ],
  [
    'a driver at the top',
    'src/core/engine/sqlite/sqlite-engine.ts',
    `import Database from 'better-sqlite3';`,
    /a driver loads late/,
  ],
  [
    'a driver at the top that only lists types inside its braces',
    'src/core/engine/postgres/postgres-engine.ts',
    `import { type Pool } from 'pg';`,
    /a driver loads late/,
  ],
  ['kysely under the domain', 'src/core/foundation/clock.ts', `import { sql } from 'kysely';`, /pure/],
  ['kysely in the domain', 'src/core/domain/entity.ts', `import type { Kysely } from 'kysely';`, /pure/],
  ['the package by its own name', 'src/chat/ids.ts', `import 'liminal-data/domain';`, /by name/],
  ['a module that is not there', 'src/chat/ids.ts', `import './gone.ts';`, /no such module/],
];

describe('imports run downward', () => {
  it('in every module of src and migrations', () => {
    const sources = readSources(root, ['src', 'migrations']);
    expect(sources.size, 'modules read').to.be.greaterThan(50);
    expect(findBreaches(sources)).to.deep.equal([]);
  });

  it('in the sound tree of the mutants below', () => {
    expect(findBreaches(new Map(Object.entries(soundTree)))).to.deep.equal([]);
  });

  for (const [title, path, source, reason] of mutants) {
    it(`and a tree is rejected that imports ${title}`, () => {
      const breaches = findBreaches(new Map(Object.entries({ ...soundTree, [path]: source })));
      expect(breaches.filter((line) => line.startsWith(`${path} imports `))).to.have.lengthOf(1);
      expect(breaches[0]).to.match(reason);
    });
  }

  it('and a tree is rejected that goes round inside one room, by types alone', () => {
    const circle = {
      'src/chat/user.ts': `import type { Row } from './user-mapper.ts';`,
      'src/chat/user-mapper.ts': `import type { User } from './user.ts';`,
    };
    const breaches = findBreaches(new Map(Object.entries({ ...soundTree, ...circle })));
    expect(breaches).to.deep.equal([
      'circle: src/chat/user.ts -> src/chat/user-mapper.ts -> src/chat/user.ts',
    ]);
  });

  it('and a tree is rejected that has a room without a floor', () => {
    const attic = { 'src/core/attic/box.ts': `import '../foundation/clock.ts';` };
    const breaches = findBreaches(new Map(Object.entries({ ...soundTree, ...attic })));
    expect(breaches.join('\n')).to.match(/src\/core\/attic has no floor/);
  });

  it('and only code counts: no comment, no text of a template, no regular expression', () => {
    const source = [
      `/**\n * import pg from 'pg';\n */`,
      `// import 'pg';`,
      `/* */ // import('pg')`,
      'const scaffold = `\nimport a from "a";\n${load({ b: `import "c";` }, () => import("d"))}\nimport "e";`;',
      `const quotes = /['"\`/]/;`,
      `const half = total / 2; const late = import('f'); const third = total / 3;`,
      `export type { G } from 'g';`,
    ].join('\n');
    expect(readImports(source).map(({ specifier }) => specifier)).to.deep.equal(['g', 'd', 'f']);
  });
});
