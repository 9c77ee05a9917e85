import { inspect } from 'node:util';
import { expect } from 'chai';
import { ValidationError } from '../../../src/core/foundation/errors/validation-error.ts';
import { UnreadableRowError } from '../../../src/core/foundation/errors/entity-errors.ts';
import { defineId } from '../../../src/core/domain/uuid.ts';
import type { DatabaseProvider } from '../../../src/core/provider/database-provider.ts';
import { decodeJson } from '../../../src/core/query/json-text.ts';
import { Repository } from '../../../src/core/repository/repository.ts';
import { readColumn } from '../../../src/core/repository/row-mapper.ts';
import { describeOnEachDatabase } from '../../support/database.ts';
import { rejectionOf } from '../../support/rejection.ts';
import {
  createThingRepository,
  makeThing,
  openThings,
  thingColumns,
  type Tables,
  type Thing,
} from './things.ts';

const secret = 'geheim';
const ThingId = defineId('ThingId');

/** Throws the value itself, as code that is not ours may. */
function throwIt(value: unknown): never {
  const thrown = value as Error;
  throw thrown;
}

interface Reading {
  readonly id: string;
  readonly detail: unknown;
}

/** A repository whose mapper reads one column in a given way. */
function createReadings(provider: DatabaseProvider<Tables>, detail: (row: Thing) => unknown) {
  return new Repository<Tables, 'things', Reading>(provider, {
    table: 'things',
    key: 'id',
    columns: thingColumns,
    mapper: {
      fromRow: (row) => ({ id: readColumn(row, 'id', ThingId.parse), detail: detail(row) }),
      toRow: () => makeThing(),
    },
  });
}

describeOnEachDatabase('rows that cannot be read are errors', (database) => {
  let provider: DatabaseProvider<Tables>;
  const thing = makeThing({ name: secret, label: secret, data: JSON.stringify({ [secret]: secret }) });

  before(async () => {
    provider = await openThings(database);
    await createThingRepository(provider).insert(thing);
  });

  after(() => provider.close());

  const readers: Record<string, readonly [read: (row: Thing) => unknown, column: string | undefined]> = {
    'text that is no JSON': [(row) => readColumn(row, 'name', decodeJson), 'name'],
    'text that is no JSON, read without our decoder': [(row) => readColumn(row, 'name', JSON.parse), 'name'],
    'NULL where JSON should be': [(row) => readColumn(row, 'bytes', decodeJson), 'bytes'],
    'a value that a rule forbids': [
      (row) => readColumn(row, 'label', (label) => ThingId.parse(label)),
      'label',
    ],
    'a foreign error that holds the value': [
      (row) => readColumn(row, 'name', (name) => new URL(name)),
      'name',
    ],
    'a thrown text': [(row) => readColumn(row, 'name', throwIt), 'name'],
    'an error outside of any column': [(row) => BigInt(row.name), undefined],
    'faults of two columns': [
      () => {
        throw new ValidationError([
          { path: ['name'], message: 'must not be' },
          { path: ['label'], message: 'must not be either' },
        ]);
      },
      undefined,
    ],
    'a rule of the entity as a whole': [
      () => {
        throw new ValidationError('the parts do not fit');
      },
      undefined,
    ],
  };

  for (const [title, [read, column]] of Object.entries(readers)) {
    it(`with table, key and column, never the value: ${title}`, async () => {
      const readings = createReadings(provider, read);
      const reads = [
        () => readings.findById(thing.id),
        () => readings.findMany({}),
        () => readings.findFirst({}),
        () => readings.page({}),
        () => readings.stream({}).next(),
      ];
      for (const work of reads) {
        const error = await rejectionOf(work());
        expect(error).to.be.instanceOf(UnreadableRowError);
        expect(error).to.include({ table: 'things', column });
        expect(error).to.have.property('key').that.deep.equals({ id: thing.id });
        expect(inspect(error, { depth: 10, showHidden: true })).not.to.include(secret);
        expect(JSON.stringify(error)).not.to.include(secret);
      }
    });
  }

  it('while a selection of columns reads past them', async () => {
    const readings = createReadings(provider, (row) => readColumn(row, 'name', decodeJson));
    expect(await readings.findMany({}, { select: ['id', 'name'] })).to.deep.equal([
      { id: thing.id, name: secret },
    ]);
    expect(await readings.count({})).to.equal(1);
  });

  it('and a mapper alone gives a ValidationError with the column in its path', () => {
    expect(() => readColumn(thing, 'name', ThingId.parse))
      .to.throw(ValidationError)
      .with.deep.property('issues', [{ path: ['name'], message: 'ThingId must be a UUID' }]);
  });
});
