import { expect } from 'chai';
import fc from 'fast-check';
import { sql } from 'kysely';
import type { DatabaseProvider } from '../../../../src/core/index.ts';
import type { SchemaItem } from '../../../../src/core/engine/schema-snapshot.ts';
import { describeDifference, diffSchemas } from '../../../../src/core/migrate/schema/schema-diff.ts';
import { fingerprintSchema } from '../../../../src/core/migrate/schema/schema-fingerprint.ts';
import {
  readSchemaSnapshot,
  writeSchemaSnapshot,
} from '../../../../src/core/migrate/schema/schema-snapshot-text.ts';
import { describeOnEachDatabase } from '../../../support/database.ts';
import { soakCount } from '../../../support/engines.ts';
import { openUntyped } from '../sample-history.ts';
import { readSchemaOf, scriptOf } from './schema-scripts.ts';

const hostile = [
  '__proto__',
  'constructor',
  'select',
  'check',
  'key',
  'Mixed Case',
  `it's "quoted"`,
  'a`b[c]',
  'Grüße 日本 🦊',
  'x USING y (z',
  'line\nbreak › path',
  '-- no comment',
  '%_',
  '$$',
];
// A name of Postgres ends at 63 bytes; one of SQLite's own must not begin as theirs do.
const name = fc
  .oneof(fc.constantFrom(...hostile), fc.string({ unit: 'binary', minLength: 1, maxLength: 12 }))
  .filter((text) => text !== '' && text.isWellFormed() && !text.includes('\0'))
  .filter((text) => !/^sqlite_/i.test(text) && !/_migration(?:_lock)?$/.test(text));

describeOnEachDatabase('a snapshot survives its text', (database) => {
  let provider: DatabaseProvider<any>;

  before(async () => {
    provider = openUntyped(await database.freshUrl());
  });
  after(() => provider.close());

  it('with one of everything', async () => {
    const snapshot = await readSchemaOf(provider, scriptOf(database.name));
    const text = writeSchemaSnapshot(snapshot);
    const read = readSchemaSnapshot(text);
    expect(read).to.deep.equal(snapshot);
    expect(read && fingerprintSchema(read)).to.equal(fingerprintSchema(snapshot));
    expect(fingerprintSchema(snapshot)).to.match(/^1:[0-9a-f]{64}$/);
    expect(text).to.not.include('\n');
  });

  async function readHostile(table: string, column: string, other: string): Promise<SchemaItem | undefined> {
    const trx = await provider.db.startTransaction().execute();
    try {
      await sql`create table ${sql.id(table)} (
        ${sql.id(column)} integer not null constraint ${sql.id(other)} check (${sql.id(column)} > 0),
        constraint ${sql.id(`${other}_u`)} unique (${sql.id(column)})
      )`.execute(trx);
      await sql`create index ${sql.id(`${other}_i`)} on ${sql.id(table)} (${sql.id(column)})`.execute(trx);
      const snapshot = await provider.migrations.readSchema(trx);
      expect(readSchemaSnapshot(writeSchemaSnapshot(snapshot))).to.deep.equal(snapshot);
      const lines = diffSchemas({ items: [] }, snapshot).map(describeDifference);
      expect(lines).to.have.lengthOf(1);
      expect(lines[0]).not.to.match(/[\n\r]/);
      return snapshot.items[0];
    } finally {
      await trx.rollback().execute();
    }
  }

  it('whatever the names are', async function () {
    this.timeout(120_000);
    await fc.assert(
      fc.asyncProperty(name, name, name, async (table, column, other) => {
        const item = await readHostile(table, column, other);
        expect(item?.name).to.equal(table);
        const parts = item?.parts.map((part) => `${part.kind} ${part.name}`);
        expect(parts).to.have.members([
          `column ${column}`,
          `check ${other}`,
          `unique ${other}_u`,
          `index ${other}_i`,
        ]);
        expect(item?.parts.find(({ kind }) => kind === 'column')?.facts).to.deep.equal({
          null: 'no',
          type: 'integer',
        });
      }),
      { numRuns: soakCount(500) },
    );
  });
});

describe('a snapshot survives its text', () => {
  it('and a text that is damaged or of another version is none', () => {
    const item = { kind: 'table', name: 't', facts: { options: 'strict' }, parts: [] };
    const good = JSON.stringify({ format: 1, items: [item] });
    expect(readSchemaSnapshot(good)).to.deep.equal({ items: [item] });
    const damaged = [
      '',
      'null',
      '[]',
      '1',
      good.slice(0, -1),
      good.replace('"format":1', '"format":2'),
      good.replace('"name":"t"', '"name":1'),
      good.replace('"strict"', 'null'),
      good.replace('"parts":[]', '"parts":[1]'),
      good.replace('"items":[', '"things":['),
    ];
    for (const text of damaged) expect(readSchemaSnapshot(text), text).to.equal(undefined);
  });

  it('and whatever the text is, it is read or refused without an error', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        expect(() => readSchemaSnapshot(text)).not.to.throw();
      }),
    );
  });

  it('and a long text is cut to where it differs', () => {
    const view = (end: string): SchemaItem => ({
      kind: 'view',
      name: 'v',
      facts: { definition: `${'a long line\n'.repeat(60)}${end}${' and more'.repeat(40)}` },
      parts: [],
    });
    const [difference] = diffSchemas({ items: [view('one')] }, { items: [view('two')] });
    const line = difference === undefined ? '' : describeDifference(difference);
    expect(line).to.have.length.below(420);
    expect(line).to.match(
      /^changed: view v › definition: expected … .*one and more.* …, found … .*two and more.* …$/,
    );
  });
});
