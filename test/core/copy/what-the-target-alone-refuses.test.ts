import { expect } from 'chai';
import { copyDatabase, verifyCopy, type BadRow } from '../../../src/core/copy/index.ts';
import { describeOnDatabase } from '../../support/database.ts';
import { useHandMade } from './hand-made.ts';

interface Case {
  readonly source: readonly string[];
  readonly target: readonly string[];
  readonly told: readonly string[];
}

const pair = 'create table parents (a integer, b integer, primary key (a, b))';
const child = (match: string) =>
  `create table children (id integer primary key, a integer, b integer, foreign key (a, b) references parents (a, b) ${match})`;
const named = 'create table names (id integer primary key, name text unique)';

const cases: Readonly<Record<string, Case>> = {
  'a text that is too long for an index': {
    source: [named, `insert into names values (1, 'short'), (2, hex(randomblob(9000))), (3, 'last')`],
    target: [named],
    told: ['names 2 refused-by-target'],
  },
  'JSON that is nested too deep': {
    source: [
      'create table papers (id integer primary key, body text)',
      `insert into papers values (1, '[]'), (2, replace(hex(zeroblob(20000)), '00', '[') || replace(hex(zeroblob(20000)), '00', ']'))`,
    ],
    target: ['create table papers (id integer primary key, body jsonb)'],
    told: ['papers 2 refused-by-target'],
  },
  'half a reference, where the target wants all of it': {
    source: [
      pair,
      child('match full'),
      'insert into parents values (1, 1)',
      'insert into children values (1, 1, 1), (2, 1, null), (3, null, null)',
    ],
    target: [pair, child('match full')],
    told: ['children 2 broken-reference'],
  },
  'nothing, where half a reference is none': {
    source: [pair, child(''), 'insert into children values (1, 7, null)'],
    target: [pair, child('')],
    told: [],
  },
};

for (const [title, { source, target, told }] of Object.entries(cases)) {
  describeOnDatabase('sqlite-file', title, (sqlite) => {
    describeOnDatabase('postgres', 'on its way into', (postgres) => {
      const make = useHandMade();

      it('is told, and the rest is copied', async () => {
        const one = await make(await sqlite.freshUrl(), source);
        const other = await make(await postgres.freshUrl(), target);
        const heard: string[] = [];
        const report = await copyDatabase(one, other, {
          badRows: 'quarantine',
          onBadRow: ({ table, key, reason }: BadRow) => void heard.push(`${table} ${key['id']} ${reason}`),
        });
        expect(heard).to.deep.equal(told);
        expect(report.quarantined).to.equal(told.length);
        expect((await verifyCopy(one, other)).isEqual).to.equal(true);
      });
    });
  });
}
