import { expect } from 'chai';
import { startProgram } from '../../../../support/child-program.ts';
import { describeOnDatabase } from '../../../../support/database.ts';

const program = new URL('failing-rollback-program.ts', import.meta.url);

/** What the caller is told: the first error, whatever the rollback came to. */
const told: Readonly<Record<string, string>> = {
  'provider.transaction': 'mine',
  'db.transaction()': 'mine',
  'a swallowed failure': 'TransactionAbortedError',
  'by hand': 'mine',
  'a connection that is kept': 'ConnectionError',
  'a raw BEGIN': 'mine',
  'a batch': 'UniqueViolationError',
  'a batch with a change of the schema': 'UniqueViolationError',
};

describeOnDatabase('sqlite-file', 'a rollback that fails gives its connection up', (database) => {
  it('and the next borrower finds another one, and nothing of the transaction', async () => {
    expect(await run(await database.freshUrl())).to.deep.equal([
      ...expected({ found: [0], written: 1, busy: 0, retired: 1, logged: 1 }, 'reads that share a snapshot'),
      // The dialect alone.
      { told: true, found: [], retired: 1 },
    ]);
  });
});

describeOnDatabase('sqlite-memory', 'a rollback that fails gives its connection up', (database) => {
  it('and with it the database, of which no empty one takes the place', async () => {
    expect(await run(await database.freshUrl())).to.deep.equal(
      expected({
        found: 'ConnectionError false',
        written: 'ConnectionError false',
        busy: 0,
        retired: 1,
        logged: 1,
      }),
    );
  });
});

async function run(url: string): Promise<unknown[]> {
  const { ended, lines } = startProgram(program, [url]);
  expect(await ended).to.deep.equal({ code: 0, signal: null, stderr: '' });
  return lines.map((line) => JSON.parse(line) as unknown);
}

function expected(found: object, ...more: string[]): object[] {
  const endings = [...Object.entries(told), ...more.map((ending) => [ending, 'mine'] as const)];
  // Kysely hides what its rollback met; we attach it to the error that came first.
  const attached = new Set(['provider.transaction', 'a swallowed failure']);
  // So beside the connection that is gone, the rollback is logged where Kysely ends the transaction.
  const hidden = new Set(['db.transaction()', 'by hand', 'a connection that is kept']);
  return endings.map(([ending, name]) => ({
    ending,
    told: name,
    ...(attached.has(ending) ? { suppressed: 'ConnectionError false' } : {}),
    ...found,
    ...(hidden.has(ending) ? { logged: 2 } : {}),
  }));
}
