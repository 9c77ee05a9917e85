// Security check: C21.
import { expect } from 'chai';
import {
  ConfigurationError,
  parseDatabaseConfig,
  ValidationError,
  type DatabaseProvider,
} from '../../../src/core/index.ts';
import { decodeJson, encodeJson } from '../../../src/core/query/json-text.ts';
import { parseChanges } from '../../../src/core/security/parse-changes.ts';
import { parseListQuery } from '../../../src/core/security/parse-list-query.ts';
import { describeOnEachDatabase } from '../../support/database.ts';
import {
  createThingRepository,
  makeThing,
  openThings,
  type Tables,
  type ThingRepository,
} from '../repository/things.ts';

const names = ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', 'valueOf'];
const prototypes = [Object.prototype, Array.prototype, Function.prototype, String.prototype, Map.prototype];

/** Everything that the prototypes have, with what it is. */
function snapshot(): unknown[] {
  return prototypes.map((prototype) =>
    Reflect.ownKeys(prototype).map((key) => [key, Object.getOwnPropertyDescriptor(prototype, key)]),
  );
}

/** As `JSON.parse` makes them: with a member of that very name. */
const hostile = names.flatMap((name): object[] => {
  const text = JSON.stringify(name);
  return [
    JSON.parse(`{${text}:{"polluted":true}}`) as object,
    JSON.parse(`{"a":{${text}:{"polluted":{"polluted":true}}}}`) as object,
    JSON.parse(`{"constructor":{"prototype":{${text}:{"polluted":true}}}}`) as object,
  ];
});

async function attempt(work: () => unknown): Promise<void> {
  try {
    await work();
  } catch (error) {
    expect(error).to.satisfy(
      (thrown: unknown) => thrown instanceof ValidationError || thrown instanceof ConfigurationError,
    );
  }
}

describeOnEachDatabase('nothing that comes from outside pollutes a prototype', (database) => {
  let provider: DatabaseProvider<Tables>;
  let things: ThingRepository;

  before(async () => {
    provider = await openThings(database);
    things = createThingRepository(provider);
  });

  after(() => provider.close());

  it('neither a row, a filter, an order, a configuration, a list, a change nor a JSON value', async () => {
    const before = snapshot();
    for (const value of hostile) {
      await attempt(() => things.findMany(value));
      await attempt(() => things.findMany({ name: value }));
      await attempt(() => things.findMany({}, value));
      await attempt(() => things.findMany({}, { orderBy: value as never, select: [value] as never }));
      await attempt(() => things.insert({ ...makeThing(), ...value }));
      await attempt(() => things.insert(Object.assign(Object.create(null) as object, makeThing(), value)));
      await attempt(() => things.findById(value as never));
      await attempt(() =>
        things.page({}, { after: Buffer.from(JSON.stringify(value)).toString('base64url') }),
      );
      await attempt(() => parseDatabaseConfig(value));
      await attempt(() => parseDatabaseConfig({ type: 'sqlite', connection: value, pool: value }));
      await attempt(() => parseListQuery({ sort: ['name'] } as never, value));
      await attempt(() => parseListQuery({ sort: ['name'] } as never, { filter: value }));
      await attempt(() => parseChanges(['name'], value));
      const stored = await things.insert(makeThing({ data: encodeJson(value) }));
      expect(decodeJson(stored.data!)).to.deep.equal(value);
    }
    for (const name of names) {
      await attempt(() => parseDatabaseConfig(`postgres://localhost/?${name}.polluted=true`));
      await attempt(() => parseDatabaseConfig(`sqlite:a.db?connection.${name}.polluted=true`));
      await attempt(() =>
        parseListQuery({ sort: ['name'] } as never, new URLSearchParams(`filter[${name}][polluted]=1`)),
      );
      await attempt(() => things.count({ data: { path: [name, 'polluted'], eq: true } }));
    }
    expect(snapshot()).to.deep.equal(before);
    expect(({} as Record<string, unknown>)['polluted']).to.equal(undefined);
  });
});
