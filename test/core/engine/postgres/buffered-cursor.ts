/** What Kysely's own dialect needs to stream: a cursor that reads its rows whole and hands them out in chunks. */
import pg from 'pg';

interface Sendable {
  submit(connection: unknown): void;
}

const Query = (pg as unknown as { Query: new (...config: unknown[]) => Sendable }).Query;

export class BufferedCursor<Row> extends Query {
  readonly #rows: Promise<Row[]>;
  #place = 0;

  constructor(text: string, values: unknown[]) {
    const { promise, resolve, reject } = Promise.withResolvers<Row[]>();
    promise.catch(() => {});
    super({ text, values }, undefined, (error: Error | null, result: { rows: Row[] }) => {
      if (error === null) resolve(result.rows);
      else reject(error);
    });
    this.#rows = promise;
  }

  async read(count: number): Promise<Row[]> {
    const start = this.#place;
    this.#place += count;
    return (await this.#rows).slice(start, this.#place);
  }

  async close(): Promise<void> {
    await this.#rows.catch(() => {});
  }
}
