import type { ErasedRange, ErasedRow } from './erasures.ts';

/** A row of a chain. */
interface Place extends ErasedRow {
  readonly stream: string;
}

/** The ranges that rows lie in, without gaps, by stream. */
export function rangesOf(rows: readonly Place[]): ErasedRange[] {
  return [...Map.groupBy(rows, ({ stream }) => stream)].flatMap(([stream, chain]) =>
    divideRuns(chain).map((run): ErasedRange => [
      stream,
      run[0]!.seq,
      run.at(-1)!.seq,
      run.map(({ hash }) => hash),
    ]),
  );
}

/** Divides rows of one chain into runs of neighbours. */
export function divideRuns<Row extends Pick<Place, 'seq'>>(rows: readonly Row[]): Row[][] {
  const runs: Row[][] = [];
  for (const row of rows.toSorted((one, other) => one.seq - other.seq)) {
    const run = runs.at(-1);
    if (run?.at(-1)?.seq === row.seq - 1) run.push(row);
    else runs.push([row]);
  }
  return runs;
}
