import { expect } from 'chai';
import {
  findAnomalies,
  type IsolationOperation,
  type IsolationTransaction,
} from '../../../src/core/testing/index.ts';

/** `r x 1 2` read the list of x as 1, 2; `a x 3` appended 3 to it. */
function operation(text: string): IsolationOperation {
  const [kind, key = '', ...values] = text.split(' ');
  const numbers = values.map(Number);
  return kind === 'r'
    ? { kind: 'read', key, values: numbers }
    : { kind: 'append', key, value: numbers[0] ?? 0 };
}

function transaction(
  id: number,
  outcome: IsolationTransaction['outcome'],
  ...operations: readonly string[]
): IsolationTransaction {
  return { id, outcome, operations: operations.map(operation) };
}

const committed = (id: number, ...operations: readonly string[]) =>
  transaction(id, 'committed', ...operations);
const aborted = (id: number, ...operations: readonly string[]) => transaction(id, 'aborted', ...operations);
const unknown = (id: number, ...operations: readonly string[]) => transaction(id, 'unknown', ...operations);

function kindsOf(
  transactions: readonly IsolationTransaction[],
  final?: Readonly<Record<string, readonly number[]>>,
): string[] {
  const history =
    final === undefined ? { transactions } : { transactions, final: new Map(Object.entries(final)) };
  return [...new Set(findAnomalies(history).map(({ kind }) => kind))].sort();
}

/** The cases of Hermitage, which tells isolation levels of databases apart, as lists that are appended to. */
describe('the isolation checker finds the cases of Hermitage:', () => {
  it('G0, writes of two transactions in two orders', () => {
    const history = [committed(1, 'a x 1', 'a y 2'), committed(2, 'a x 3', 'a y 4')];
    expect(kindsOf(history, { x: [1, 3], y: [4, 2] })).to.deep.equal(['dirty write']);
    expect(kindsOf(history, { x: [1, 3], y: [2, 4] })).to.deep.equal([]);
    // What a transaction reads of itself is no version that somebody wrote after.
    const reading = [committed(1, 'a x 1', 'r x 1', 'a y 2'), committed(2, 'a x 3', 'a y 4')];
    expect(kindsOf(reading, { x: [1, 3], y: [4, 2] })).to.deep.equal(['dirty write']);
  });

  it('G1a, a read of what was rolled back', () => {
    expect(kindsOf([aborted(1, 'a x 1'), committed(2, 'r x 1')], { x: [] })).to.include('aborted read');
    expect(kindsOf([aborted(1, 'a x 1'), committed(2, 'r x')], { x: [] })).to.deep.equal([]);
    expect(kindsOf([aborted(1, 'a x 1', 'r x 1')], { x: [] })).to.deep.equal([]);
  });

  it('G1b, a read of what was not finished', () => {
    const history = (seen: string) => [committed(1, 'a x 1', 'a x 2'), committed(2, seen)];
    expect(kindsOf(history('r x 1'), { x: [1, 2] })).to.include('intermediate read');
    expect(kindsOf(history('r x 1 2'), { x: [1, 2] })).to.deep.equal([]);
    expect(kindsOf(history('r x'), { x: [1, 2] })).to.deep.equal([]);
  });

  it('G1c, two transactions that read of each other', () => {
    const history = [committed(1, 'a x 1', 'r y 2'), committed(2, 'a y 2', 'r x 1')];
    expect(kindsOf(history, { x: [1], y: [2] })).to.deep.equal(['circular information flow']);
  });

  it('OTV, a transaction that is seen, and then no more', () => {
    const history = [
      committed(1, 'a x 1', 'a y 2'),
      committed(2, 'a x 3', 'a y 4'),
      committed(3, 'r x 1 3', 'r y 2'),
    ];
    expect(kindsOf(history, { x: [1, 3], y: [2, 4] })).to.deep.equal(['read skew']);
  });

  it('PMP, a set of rows that grows between two reads', () => {
    const history = [committed(1, 'r x', 'r x 1'), committed(2, 'a x 1')];
    expect(kindsOf(history, { x: [1] })).to.deep.equal(['non-repeatable read']);
  });

  it('P4, two transactions that read and write the same', () => {
    const history = [committed(1, 'r x', 'a x 1'), committed(2, 'r x', 'a x 2')];
    expect(kindsOf(history, { x: [1, 2] })).to.deep.equal(['lost update']);
    expect(kindsOf(history, { x: [2] })).to.include('lost append');
    expect(
      kindsOf([committed(1, 'r x', 'a x 1'), committed(2, 'r x 1', 'a x 2')], { x: [1, 2] }),
    ).to.deep.equal([]);
  });

  it('G-single, a read of one key before a transaction and of another behind it', () => {
    const history = [committed(1, 'r x', 'r y 2'), committed(2, 'a x 1', 'a y 2')];
    expect(kindsOf(history, { x: [1], y: [2] })).to.deep.equal(['read skew']);
  });

  it('G-single, also where a shorter way round is a harmless one', () => {
    const history = [
      committed(1, 'r x', 'r w 10 11', 'a z 3'),
      committed(2, 'r z', 'a x 1', 'a w 10'),
      committed(3, 'a w 11'),
    ];
    expect(kindsOf(history, { x: [1], z: [3], w: [10, 11] })).to.include('read skew');
  });

  it('G2-item, two transactions that each write what the other has read', () => {
    const history = [committed(1, 'r x', 'r y', 'a x 1'), committed(2, 'r x', 'r y', 'a y 2')];
    expect(kindsOf(history, { x: [1], y: [2] })).to.deep.equal(['write skew']);
  });

  it('G2 of three, which a read alone makes impossible to put in an order', () => {
    const history = [
      committed(1, 'r x', 'r y', 'a x 1'),
      committed(2, 'a y 2'),
      committed(3, 'r y 2', 'r x'),
    ];
    expect(kindsOf(history, { x: [1], y: [2] })).to.deep.equal(['write skew']);
  });
});

describe('the isolation checker', () => {
  it('knows what a list must look like', () => {
    expect(
      kindsOf([committed(1, 'r x 1 2'), committed(2, 'r x 2'), committed(3, 'a x 1'), committed(4, 'a x 2')]),
    ).to.include('incompatible order');
    expect(kindsOf([committed(1, 'a x 1', 'r x')], { x: [1] })).to.include('own write unseen');
    expect(kindsOf([committed(1, 'a x 1', 'r x 1', 'a x 2', 'r x 1 2')], { x: [1, 2] })).to.deep.equal([]);
  });

  it('takes the longest read for the order where the end is not known', () => {
    const history = [committed(1, 'r x', 'a x 1'), committed(2, 'r x', 'a x 2'), committed(3, 'r x 1 2')];
    expect(kindsOf(history)).to.deep.equal(['lost update']);
  });

  it('counts what nobody could say was committed by whether it was seen', () => {
    expect(kindsOf([unknown(1, 'a x 1'), committed(2, 'r x 1')], { x: [1] })).to.deep.equal([]);
    expect(kindsOf([unknown(1, 'a x 1'), committed(2, 'r x')], { x: [] })).to.deep.equal([]);
    const skewed = [unknown(1, 'r x', 'r y', 'a x 1'), committed(2, 'r x', 'r y', 'a y 2')];
    expect(kindsOf(skewed, { x: [1], y: [2] })).to.deep.equal(['write skew']);
    expect(kindsOf(skewed, { x: [], y: [2] })).to.deep.equal([]);
  });

  it('names the transactions of a circle, and how they hang together', () => {
    const history = [committed(7, 'r x', 'r y', 'a x 1'), committed(5, 'r x', 'r y', 'a y 2')];
    const [anomaly] = findAnomalies({
      transactions: history,
      final: new Map([
        ['x', [1]],
        ['y', [2]],
      ]),
    });
    expect(anomaly?.transactions).to.deep.equal([5, 7]);
    expect(anomaly?.explanation).to.contain('T7 read y before it was written by T5');
  });

  it('finds a long circle in a long history, and none where there is none', () => {
    const count = 5_000;
    const chain = Array.from({ length: count }, (_, index) =>
      committed(index + 1, `r k${index}${index === 0 ? '' : ` ${index}`}`, `a k${index + 1} ${index + 1}`),
    );
    expect(findAnomalies({ transactions: chain })).to.deep.equal([]);
    const closed = [committed(1, `r k${count} ${count}`, 'a k1 1'), ...chain.slice(1)];
    const [circle, ...others] = findAnomalies({ transactions: closed });
    expect(circle?.kind).to.equal('circular information flow');
    expect(circle?.transactions).to.have.length(count);
    expect(others).to.deep.equal([]);
  });
});
