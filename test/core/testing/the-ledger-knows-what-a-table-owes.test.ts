import { expect } from 'chai';
import { EscapeLedger, type ScopeRecord } from '../../../src/core/testing/escape/escape-ledger.ts';

const done = () => Promise.resolve();
const refused = () => Promise.reject(new Error('refused'));

/** The kinds of what is wrong with a table that holds the rows of these numbers, counted from 1. */
function judge(ledger: EscapeLedger, ...rows: readonly number[]): string[] {
  return ledger.judge(rows.map((row) => ledger.firstId + row - 1)).map(({ kind }) => kind);
}

describe('the ledger of the escape check', () => {
  let ledger: EscapeLedger;
  let outer: ScopeRecord;

  beforeEach(() => {
    ledger = new EscapeLedger(100);
    outer = ledger.openScope(undefined);
  });

  it('owes what was acknowledged in a scope that was kept, and nothing else', async () => {
    await ledger.insert(outer, done);
    await ledger.insert(outer, refused).catch(() => undefined);
    ledger.endScope(outer, 'kept');
    expect(judge(ledger, 1)).to.deep.equal([]);
    expect(judge(ledger)).to.deep.equal(['lost']);
  });

  it('owes nothing that was refused, and nothing that nobody asked for', async () => {
    await ledger.insert(outer, refused).catch(() => undefined);
    ledger.endScope(outer, 'kept');
    expect(judge(ledger, 1, 7)).to.deep.equal(['escaped', 'escaped']);
  });

  it('owes nothing after the end, also where the scope was kept', async () => {
    ledger.endScope(outer, 'kept');
    await ledger.insert(outer, done);
    expect(judge(ledger)).to.deep.equal([]);
    expect(judge(ledger, 1)).to.deep.equal(['escaped']);
  });

  it('owes what a nested scope kept where the scope around it was kept as well', async () => {
    const inner = ledger.openScope(outer);
    await ledger.insert(inner, done);
    ledger.endScope(inner, 'kept');
    ledger.endScope(outer, 'undone');
    expect(judge(ledger, 1)).to.deep.equal(['escaped']);
  });

  it('lets what begins behind a commit stand for itself', async () => {
    ledger.endScope(outer, 'kept');
    const later = ledger.openScope(outer);
    await ledger.insert(later, done);
    ledger.endScope(later, 'kept');
    expect(judge(ledger, 1)).to.deep.equal([]);
  });

  it('owes rows of no transaction once they are acknowledged', async () => {
    await ledger.insert(undefined, done);
    ledger.endScope(outer, 'undone');
    expect(judge(ledger, 1)).to.deep.equal([]);
  });
});
