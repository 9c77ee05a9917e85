import { expect } from 'chai';
import { globSync } from 'node:fs';
import { basename, join } from 'node:path';
import { projectRoot, runCommand } from '../../scripts/run-command.ts';
import { getBuiltPackage } from '../support/built-package.ts';
import { describeOnEachDatabase } from '../support/database.ts';

/** What an example prints, by its name; an example that is not here has no promise yet. */
const printed: Readonly<Record<string, string>> = {
  '01-any-application.ts': "refused: read at 1, is at 2\n[ 'Buy oat milk (version 2)' ]\n",
  '02-chat-store.ts':
    "[ '19 user complete', '20 user complete', '21 assistant complete' ]\n[ 18, 17, 16 ]\nWhere is café number 7?\n0\n",
  '03-plain-kysely.ts': "[ 'call the bank', 'water the plants' ]\n2 connections, 0 time-outs\n",
  '04-unit-of-work.ts':
    "alice has not so much\nthe root handle stays outside\nalice gave bob 30\n[ 'alice: 20', 'bob: 30' ]\n",
  '05-saga.ts':
    "bob now: { debit: 'alice gave 30', credit: 'bob got 30' }\nasked again: { debit: 'alice gave 30', credit: 'bob got 30' }\nfailed at credit, undone: credit, debit\n[ 'alice: -30', 'bob: 30' ]\n",
  '06-outbox.ts':
    'order 2 was rolled back, and its message with it\norder 1: invoiced\norder 3: invoiced\norder 3: was invoiced already\n[ 1, 3 ]\n',
  '07-encrypted-columns.ts':
    'in the table: liminal:1:old:\nfound: Ada@example.org "[redacted]"\nthe old key is in use\n{ new: 2, old: 0 }\nby the new key alone: Ada@example.org\n',
  '08-tokens.ts':
    'without a token: 401\nwith a token: 200\nwithout the scope: 403\nwith a changed token: 401\nafter a refresh: 200\na refresh token that was used before ends the session\nafter the end of the session: 401\n',
  '09-audit.ts':
    'rolled back: changed my mind\ncreate nobody null\nupdate user Ada\nreveal service undefined\ncreate user {"$sealed":true}\nsound: true\nthe database refuses to change it\na forged anchor is refused\n',
  '10-observability.ts':
    '10\nQueryError\n20 calls, 0 failed, 0 rows: insert into notes (id, author, text) values (…)\n2 calls, 0 failed, 20 rows: select id from notes where author = ?\n1 calls, 0 failed, 0 rows: create table notes (id integer primary key, author varchar (?), text varchar (?))\nthe same query ran again and again (N+1): select * from notes where id = ?\nliminal_query_errors_total{database="notes",code="LIMINAL_QUERY"} 1\nready: healthy\n',
  '11-cache.ts':
    "a hundred callers: 1\nand one more: 0\nEmma, again\nanother shelf after an insert: 1\n[ 'Emma, again', 'Sanditon' ]\nrolled back: changed my mind\nafter the rollback: 0\nit is kept and fresh\nsomething that it depends on has changed\n",
  '12-copy.ts':
    "customers: 1\norders: 2\nchanged meanwhile: []\nThe database was not copied. The target has rows already: customers, orders.\ndiffers: [ 'customers' ]\n",
};

const examples = globSync('examples/*.ts', { cwd: projectRoot }).map((path) => basename(path));

describe('the examples', () => {
  it('each have something to print', () => {
    expect(examples.sort()).to.deep.equal(Object.keys(printed));
  });
});

describeOnEachDatabase('an example of the package runs', function (database) {
  for (const name of examples) {
    it(name, async function () {
      this.timeout(60_000);
      const folder = await getBuiltPackage();
      const env = { DATABASE_URL: await database.freshUrl() };
      const { code, output } = await runCommand('node', [join('examples', name)], { cwd: folder, env });
      expect(output).to.equal(printed[name]);
      expect(code).to.equal(0);
    });
  }
});
