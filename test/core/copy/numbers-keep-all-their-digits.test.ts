import { expect } from 'chai';
import { copyDatabase, verifyCopy, type BadRow } from '../../../src/core/copy/index.ts';
import type { DatabaseName } from '../../support/engines.ts';
import { describeOnDatabase } from '../../support/database.ts';
import { useHandMade } from './hand-made.ts';

/** A column `x` on both sides, the values that go over, and those that would be changed. */
interface Case {
  readonly from: readonly [DatabaseName, type: string];
  readonly to: readonly [DatabaseName, type: string];
  /** As they stand in SQL, with how the target writes them. */
  readonly held: Readonly<Record<string, string>>;
  /** As they stand in SQL, with the reason. */
  readonly told: Readonly<Record<string, string>>;
}

const cases: readonly Case[] = [
  {
    from: ['postgres', 'numeric'],
    to: ['sqlite-file', 'numeric(30, 4)'],
    held: { '1.10': '1.1', '-0.5': '-0.5', '5': '5', '1e20': '1.0e+20', "'Infinity'": 'Infinity' },
    told: { '123456789012345.1234': 'rounded', '9007199254740993': 'rounded', "'NaN'": 'not-a-number' },
  },
  {
    from: ['postgres', 'numeric'],
    to: ['sqlite-file', 'text'],
    held: { '1.10': '1.10', '123456789012345678901234567890.1234': '123456789012345678901234567890.1234' },
    told: {},
  },
  {
    from: ['postgres', 'numeric'],
    to: ['sqlite-file', 'real'],
    held: { '1.10': '1.1', '0.1': '0.1' },
    told: { '123456789012345.1234': 'rounded' },
  },
  {
    from: ['postgres', 'numeric'],
    to: ['sqlite-file', 'integer'],
    held: { '12': '12' },
    told: { '1.5': 'wrong-type', '9007199254740993': 'integer-out-of-range' },
  },
  {
    from: ['sqlite-file', 'decimal(10, 2)'],
    to: ['postgres', 'numeric(10, 2)'],
    held: { '1.1': '1.10', '5': '5.00', '0.07': '0.07', '-3.5': '-3.50' },
    told: { '0.1 + 0.2': 'rounded', '1.005': 'rounded', "'dear'": 'wrong-type' },
  },
  {
    // As SQLite writes them they have a digit more.
    from: ['sqlite-file', 'numeric'],
    to: ['postgres', 'numeric'],
    held: {
      '463222847699.89': '463222847699.89',
      '0.0603755054790599': '0.0603755054790599',
      '9007199254740993': '9007199254740993',
    },
    told: {},
  },
  {
    from: ['sqlite-file', 'real'],
    to: ['postgres', 'numeric'],
    held: { '463222847699.89': '463222847699.89', '1e23': '100000000000000000000000' },
    told: {},
  },
  {
    from: ['sqlite-file', 'numeric'],
    to: ['postgres', 'double precision'],
    held: { '463222847699.89': '463222847699.89', '0.0603755054790599': '0.0603755054790599' },
    told: { '9007199254740993': 'rounded' },
  },
  {
    from: ['sqlite-file', 'numeric'],
    to: ['sqlite-file', 'numeric'],
    held: { '0.1 + 0.2': '0.30000000000000004', '9007199254740993': '9007199254740993', '1e300': '1.0e+300' },
    told: {},
  },
  {
    from: ['sqlite-file', 'real'],
    to: ['postgres', 'real'],
    held: { '0.1': '0.1', '1.5': '1.5', '16777216': '1.6777216e+07' },
    told: { '0.123456789': 'rounded', '16777217': 'rounded' },
  },
];

for (const { from, to, held, told } of cases) {
  describeOnDatabase(from[0], `a column of ${from[1]}`, (source) => {
    describeOnDatabase(to[0], `copied into ${to[1]}`, (target) => {
      const make = useHandMade();

      it('holds each number as it was, and names those that would be another one', async () => {
        const values = [...Object.keys(held), ...Object.keys(told)];
        const one = await make(await source.freshUrl(), [
          `create table a (id integer primary key, x ${from[1]})`,
          ...values.map((value, id) => `insert into a values (${id}, ${value})`),
        ]);
        const other = await make(await target.freshUrl(), [
          `create table a (id integer primary key, x ${to[1]})`,
        ]);
        const bad: BadRow[] = [];
        const report = await copyDatabase(one, other, {
          badRows: 'quarantine',
          onBadRow: (row) => void bad.push(row),
        });
        expect(report.changed).to.deep.equal([]);
        const rows = await other.query<{ x: string }>('select cast(x as text) as x from a order by id');
        expect(rows.map(({ x }) => x)).to.deep.equal(Object.values(held));
        const first = Object.keys(held).length;
        expect(bad.map(({ key, reason }) => [Number(key['id']) - first, reason])).to.have.deep.members(
          Object.values(told).map((reason, place) => [place, reason]),
        );
        expect((await verifyCopy(one, other)).isEqual).to.equal(true);
      });
    });
  });
}

describeOnDatabase('sqlite-file', 'a verification', (sqlite) => {
  const make = useHandMade();

  it('sees the last digit of a number whose column says little', async () => {
    const schema = 'create table a (id integer primary key, x numeric, y)';
    const one = await make(await sqlite.freshUrl(), [schema, 'insert into a values (1, 0.1 + 0.2, 1)']);
    const other = await make(await sqlite.freshUrl(), [schema, 'insert into a values (1, 0.3, 1)']);
    expect((await verifyCopy(one, other)).isEqual).to.equal(false);
    await other.exec('update a set x = 0.1 + 0.2');
    expect((await verifyCopy(one, other)).isEqual).to.equal(true);
  });
});

describeOnDatabase('sqlite-file', 'a column without a type', (sqlite) => {
  const make = useHandMade();

  for (const [kind, schema] of Object.entries({
    any: 'create table a (id integer primary key, x any) strict',
    none: 'create table a (id integer primary key, x)',
  })) {
    it(`holds what it held (${kind})`, async () => {
      const one = await make(await sqlite.freshUrl(), [
        schema,
        `insert into a values (1, 1), (2, 1.5), (3, '1'), (4, x'31ff'), (5, null), (6, 9223372036854775807),
          (7, 1.0), (8, 1e300), (9, -9007199254740993)`,
      ]);
      const other = await make(await sqlite.freshUrl(), [schema]);
      expect((await copyDatabase(one, other)).changed).to.deep.equal([]);
      const look = 'select id, typeof(x) as type, hex(x) as x from a order by id';
      expect(await other.query(look)).to.deep.equal(await one.query(look));
    });
  }
});
