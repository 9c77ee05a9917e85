import type { Duplex } from 'node:stream';
import type { Connection, Submittable } from 'pg';

/** What pg's types leave out of a connection. */
interface CopyConnection extends Connection {
  readonly stream: Duplex;
  endCopyFrom(): void;
}

/** What goes into one message. */
const chunkSize = 256 * 1024;
/** The letter of CopyData. */
const copyData = 0x64;

/** A text that begins with `COPY … FROM STDIN`, for pg's queue of queries. The data is in memory: it is a portion. */
export class CopyIn implements Submittable {
  /** Settles when the server is ready for the next statement. */
  readonly done: Promise<void>;
  readonly #text: string;
  readonly #data: Buffer;
  readonly #settlement = Promise.withResolvers<void>();

  constructor(text: string, data: Buffer) {
    this.#text = text;
    this.#data = data;
    this.done = this.#settlement.promise;
  }

  submit(connection: Connection): void {
    connection.query(this.#text);
  }

  handleCopyInResponse(connection: CopyConnection): void {
    // pg's own way copies each chunk, and large buffers are given back late.
    for (let from = 0; from < this.#data.length; from += chunkSize) {
      const chunk = this.#data.subarray(from, from + chunkSize);
      const head = Buffer.alloc(5);
      head.writeUInt8(copyData);
      head.writeInt32BE(chunk.length + 4, 1);
      connection.stream.write(head);
      connection.stream.write(chunk);
    }
    connection.endCopyFrom();
  }

  handleCommandComplete(): void {}

  handleReadyForQuery(): void {
    this.#settlement.resolve();
  }

  /** Behind an error pg itself waits until the server is ready, and does not tell. */
  handleError(error: Error): void {
    this.#settlement.reject(error);
  }
}
