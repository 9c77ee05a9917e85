import type { EventEmitter } from 'node:events';
import type { Writable } from 'node:stream';
import type { CustomTypesConfig, FieldDef } from 'pg';
import type { Exchange, WireStatement } from './postgres-exchange.ts';
import { RowShape } from './postgres-row-shape.ts';

/** What is used of pg's `Connection`: it writes messages, and emits an event for each that comes. */
interface MessageConnection extends EventEmitter {
  readonly stream: Writable;
  query(text: string): void;
  parse(message: { name: string; text: string }): void;
  bind(message: { statement: string; values: readonly unknown[] }): void;
  describe(message: { type: 'P'; name: string }): void;
  execute(message: null): void;
  close(message: { type: 'S'; name: string }): void;
  flush(): void;
  sync(): void;
  sendCopyFail(reason: string): void;
}

/** The server's word on the transaction, with each ReadyForQuery: none, open or failed. */
export type TransactionStatus = 'I' | 'T' | 'E';

/** What belongs to a query and not to connecting or to notifications. */
const queryEvents = [
  'parseComplete',
  'rowDescription',
  'dataRow',
  'commandComplete',
  'emptyQuery',
  'portalSuspended',
  'copyInResponse',
  'copyData',
  'errorMessage',
  'readyForQuery',
];

/**
 * The wire protocol of one connection behind its start: it sends exchanges without waiting for those before,
 * and hands each its answers. pg connects, encrypts, authenticates, writes and reads the messages; its own
 * queue of queries is put out of action, because it sends one statement at a time with a Sync each.
 *
 * It knows no deadlines and does not translate errors.
 *
 * @see PostgreSQL documentation, "55.2.3. Extended Query" and "55.2.4. Pipelining"
 */
export class PostgresWire {
  status: TransactionStatus = 'I';
  readonly #connection: MessageConnection;
  readonly #types: CustomTypesConfig;
  readonly #line: Exchange[] = [];
  #isCorked = false;

  /**
   * @param connection of a pg client that has connected, and that nobody else sends queries on
   * @param types the parsers of the values
   * @param onUnasked hears an error that answers nothing: the server's last word before it hangs up
   */
  constructor(connection: unknown, types: CustomTypesConfig, onUnasked: (error: Error) => void) {
    this.#connection = connection as MessageConnection;
    this.#types = types;
    this.#listen(onUnasked);
  }

  /** How many exchanges wait for their end. */
  get inFlight(): number {
    return this.#line.length;
  }

  /**
   * Sends an exchange behind those that are under way.
   *
   * @param namesToClose statements that are to be forgotten on the server first
   */
  send(exchange: Exchange, namesToClose: readonly string[]): void {
    const connection = this.#connection;
    this.#line.push(exchange);
    this.#cork();
    for (const name of namesToClose) connection.close({ type: 'S', name });
    if (exchange.simple !== undefined) {
      connection.query(exchange.simple);
      return;
    }
    const { statements, flushAfter } = exchange;
    for (let index = 0; index < statements.length; index += 1) {
      this.#write(statements[index]!);
      if (index + 1 === flushAfter) connection.flush();
    }
    connection.sync();
  }

  /** Ends every exchange that is under way, since no answer will come. */
  fail(error: Error): void {
    for (const exchange of this.#line.splice(0)) {
      exchange.failed(error);
      exchange.end();
    }
  }

  #write({ text, values, prepared }: WireStatement): void {
    const connection = this.#connection;
    const name = prepared?.name ?? '';
    if (prepared === undefined || !prepared.isSent) connection.parse({ name, text });
    connection.bind({ statement: name, values });
    if (prepared?.shape === undefined) connection.describe({ type: 'P', name: '' });
    connection.execute(null);
    if (prepared !== undefined) prepared.isSent = true;
  }

  // What is sent in one turn leaves as one piece.
  #cork(): void {
    if (this.#isCorked) return;
    const { stream } = this.#connection;
    this.#isCorked = true;
    stream.cork();
    process.nextTick(() => {
      this.#isCorked = false;
      stream.uncork();
    });
  }

  #listen(onUnasked: (error: Error) => void): void {
    const connection = this.#connection;
    const line = this.#line;
    for (const event of queryEvents) connection.removeAllListeners(event);
    connection.on('parseComplete', () => line[0]?.parsed());
    connection.on('rowDescription', ({ fields }: { fields: FieldDef[] }) =>
      line[0]?.described(new RowShape(fields, this.#types)),
    );
    connection.on('noData', () => line[0]?.described(RowShape.none));
    connection.on('dataRow', ({ fields }: { fields: (string | null)[] }) => line[0]?.row(fields));
    connection.on('commandComplete', ({ text }: { text: string }) => line[0]?.completed(text));
    connection.on('emptyQuery', () => line[0]?.completed(''));
    connection.on('copyInResponse', () => {
      connection.sendCopyFail('COPY is not supported');
      // While it waits for data the server overlooks a Sync, so that of a COPY at the end has to be sent again.
      if (line[0]?.isAtLast === true) connection.sync();
    });
    connection.on('errorMessage', (error: Error) => {
      const [exchange] = line;
      if (exchange === undefined) onUnasked(error);
      else exchange.failed(error);
    });
    connection.on('readyForQuery', ({ status }: { status: TransactionStatus }) => {
      this.status = status;
      line.shift()?.end();
    });
  }
}
