import type { Duplex } from 'node:stream';
import type { Connection, Submittable } from 'pg';

/** What pg's types leave out of a connection. */
interface CopyConnection extends Connection {
  readonly stream: Duplex;
  endCopyFrom(): void;
}

/** The letter of CopyData. */
const copyData = 0x64;

/** A text that begins with `COPY … FROM STDIN`, for pg's queue of queries. What the server has no room for waits. */
export class CopyIn implements Submittable {
  /** Settles when the server is ready for the next statement. */
  readonly done: Promise<void>;
  readonly #text: string;
  readonly #pieces: Iterable<string | Buffer>;
  readonly #settlement = Promise.withResolvers<void>();
  #isOver = false;

  /** @param pieces of the data, made while it is sent */
  constructor(text: string, pieces: Iterable<string | Buffer>) {
    this.#text = text;
    this.#pieces = pieces;
    this.done = this.#settlement.promise;
  }

  submit(connection: Connection): void {
    connection.query(this.#text);
  }

  handleCopyInResponse(connection: CopyConnection): void {
    this.#send(connection).catch(this.#settlement.reject);
  }

  /** Where the connection is lost meanwhile it waits for ever, and is forgotten: `handleError` tells. */
  async #send(connection: CopyConnection): Promise<void> {
    const { stream } = connection;
    for (const piece of this.#pieces) {
      // The server is through with it, and reads the next statement.
      if (this.#isOver) return;
      if (piece.length === 0) continue;
      const chunk = typeof piece === 'string' ? Buffer.from(piece) : piece;
      // pg's own way copies each chunk, and large buffers are given back late.
      const head = Buffer.alloc(5);
      head.writeUInt8(copyData);
      head.writeInt32BE(chunk.length + 4, 1);
      stream.write(head);
      if (!stream.write(chunk)) await new Promise((resolve) => stream.once('drain', resolve));
    }
    if (!this.#isOver) connection.endCopyFrom();
  }

  handleCommandComplete(): void {}

  handleReadyForQuery(): void {
    this.#settlement.resolve();
  }

  /** Behind an error pg itself waits until the server is ready, and does not tell. */
  handleError(error: Error): void {
    this.#isOver = true;
    this.#settlement.reject(error);
  }
}
