import type { DatabaseConnection, Dialect, Driver, TransactionSettings } from 'kysely';
import { ForwardingDialect, ForwardingDriver, type SendSavepoint } from '../engine/forwarding-dialect.ts';
import type { LeaseSettings } from '../engine/lease.ts';
import type { Clock } from '../foundation/clock.ts';
import type { TransactionListener } from '../foundation/telemetry.ts';
import { queryChannel, transactionChannel } from '../foundation/tracing-channels.ts';
import { TracedConnection } from './traced-connection.ts';

type Options = { readonly signal?: AbortSignal | undefined };

/**
 * Traces what goes over the connections of a dialect that are lent while one of the channels has subscribers, or
 * somebody listens to the transactions. The others are lent as they are, so that nobody pays for what nobody hears.
 */
export class TracedDialect extends ForwardingDialect {
  /**
   * @param clock times the waits
   * @param listener hears of the transactions, beside the channel
   */
  constructor(inner: Dialect, clock: Clock, listener?: TransactionListener) {
    super(inner, (driver) => new TracedDriver(driver, clock, listener));
  }
}

class TracedDriver extends ForwardingDriver {
  readonly #clock: Clock;
  readonly #listener: TransactionListener | undefined;

  constructor(inner: Driver, clock: Clock, listener: TransactionListener | undefined) {
    super(inner, onInner);
    this.#clock = clock;
    this.#listener = listener;
  }

  override acquireConnection(options?: Options): Promise<DatabaseConnection> {
    const isHeard = queryChannel.hasSubscribers || transactionChannel.hasSubscribers;
    return isHeard || this.#listener !== undefined
      ? this.#acquireTraced(options)
      : this.inner.acquireConnection(options);
  }

  override beginTransaction(connection: DatabaseConnection, settings: TransactionSettings): Promise<void> {
    if (!(connection instanceof TracedConnection)) return this.inner.beginTransaction(connection, settings);
    return this.#begin(connection, settings);
  }

  override commitTransaction(connection: DatabaseConnection): Promise<void> {
    if (!(connection instanceof TracedConnection)) return this.inner.commitTransaction(connection);
    return telling(connection, this.inner.commitTransaction(connection.inner), 'committed');
  }

  override rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    if (!(connection instanceof TracedConnection)) return this.inner.rollbackTransaction(connection);
    return telling(connection, this.inner.rollbackTransaction(connection.inner), 'rolled back');
  }

  override releaseConnection(connection: DatabaseConnection, options?: Options): Promise<void> {
    if (!(connection instanceof TracedConnection)) return this.inner.releaseConnection(connection, options);
    return this.inner.releaseConnection(connection.inner, options);
  }

  async #begin(connection: TracedConnection, settings: TransactionSettings): Promise<void> {
    const timing = connection.beginTrace();
    const timed: LeaseSettings = timing === undefined ? settings : { ...settings, timing };
    try {
      await this.inner.beginTransaction(connection.inner, timed);
      connection.noteBegun(timing);
    } catch (error) {
      connection.noteBegun(timing);
      connection.failTrace(error);
      throw error;
    }
  }

  async #acquireTraced(options: Options | undefined): Promise<DatabaseConnection> {
    const start = this.#clock.monotonic();
    const connection = await this.inner.acquireConnection(options);
    const wait = this.#clock.monotonic() - start;
    return new TracedConnection(connection, { clock: this.#clock, wait, listener: this.#listener });
  }
}

/** Ends the trace of a transaction where its end has come, or its failure. */
async function telling(
  connection: TracedConnection,
  work: Promise<void>,
  outcome: 'committed' | 'rolled back',
): Promise<void> {
  try {
    await work;
  } catch (error) {
    connection.failTrace(error);
    throw error;
  }
  connection.endTrace(outcome);
}

function onInner(savepoint: SendSavepoint): SendSavepoint {
  return (connection, name, compile) =>
    savepoint(connection instanceof TracedConnection ? connection.inner : connection, name, compile);
}
