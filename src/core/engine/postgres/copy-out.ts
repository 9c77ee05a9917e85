import type { Connection, Submittable } from 'pg';
import type { Readable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';

/** From how many characters on that nobody has fetched the socket is left unread. */
const enough = 512 * 1024;

/** One `COPY … TO STDOUT` for pg's queue of queries. The server waits where nobody fetches its lines. */
export class CopyOut implements Submittable {
  readonly #text: string;
  readonly #decoder = new StringDecoder('utf8');
  #stream: Readable | undefined;
  #pieces: string[] = [];
  #size = 0;
  #isOver = false;
  #error: Error | undefined;
  #wake = Promise.withResolvers<void>();

  constructor(text: string) {
    this.#text = text;
  }

  submit(connection: Connection): void {
    this.#stream = (connection as Connection & { readonly stream: Readable }).stream;
    connection.query(this.#text);
  }

  // The buffer is pg's own and is written over: only the text may be kept.
  handleCopyData({ chunk }: { readonly chunk: Buffer }): void {
    const piece = this.#decoder.write(chunk);
    this.#pieces.push(piece);
    this.#size += piece.length;
    if (this.#size >= enough) {
      this.#stream?.pause();
      this.#wake.resolve();
    }
  }

  handleCommandComplete(): void {}

  handleReadyForQuery(): void {
    this.#isOver = true;
    this.#wake.resolve();
  }

  handleError(error: Error): void {
    this.#error ??= error;
    this.#wake.resolve();
  }

  /**
   * The lines, some at a time, without their ends. Whoever stops before the last one has to destroy the client.
   *
   * @throws what pg says
   */
  async *lines(): AsyncGenerator<readonly string[], void> {
    // A line of some megabytes comes in many pieces, and is put together once.
    let begun: string[] = [];
    while (this.#error === undefined) {
      if (this.#size < enough && !this.#isOver) await this.#wake.promise;
      this.#wake = Promise.withResolvers();
      const text = this.#pieces.join('');
      this.#pieces = [];
      this.#size = 0;
      this.#stream?.resume();
      const [first = '', ...lines] = text.split('\n');
      begun.push(first);
      if (lines.length > 0) {
        const whole = begun.join('');
        begun = [lines.pop()!];
        yield [whole, ...lines];
      }
      if (this.#isOver && this.#pieces.length === 0) break;
    }
    if (this.#error !== undefined) throw this.#error;
  }
}
