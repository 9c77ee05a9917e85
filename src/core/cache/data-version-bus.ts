import { systemClock, type Clock } from '../foundation/clock.ts';
import { ValidationError } from '../foundation/errors/validation-error.ts';
import type { DatabaseProvider } from '../provider/database-provider.ts';
import { outside } from '../provider/transaction-context.ts';
import type { BusListener, InvalidationBus } from './invalidation-bus.ts';

/** How often a file is looked at. */
export interface DataVersionBusOptions {
  /** Between two looks, in ms, from 1 to 10,000; 25 by default. */
  readonly interval?: number;
  /** Where its time comes from; the machine's by default. */
  readonly clock?: Clock;
}

/**
 * Finds out that another process has written to a SQLite file, by asking the writer's connection for its `data_version`, which
 * the commits of others change and one's own do not. It says that something has changed and not what, so that the whole memory
 * of the cache is invalid then: good where others write seldom. While a transaction of this process keeps the writer for more
 * than some intervals, nothing can be asked, and the cache gives nothing.
 *
 * @param provider the provider of the cache
 * @param options how often it looks
 * @returns a bus for `createCache`
 * @throws ValidationError with every fault of the options, and where the database is no SQLite
 * @example
 * const cache = createCache(provider, { bus: dataVersionBus });
 */
export function dataVersionBus(provider: object, options: DataVersionBusOptions = {}): InvalidationBus {
  const { interval = 25, clock = systemClock } = options;
  const asked = provider as VersionedProvider;
  const issues = [];
  if (!Number.isSafeInteger(interval) || interval < 1 || interval > 10_000) {
    issues.push({ path: ['interval'], message: 'must be an integer from 1 to 10000, in ms' });
  }
  if (typeof asked.query !== 'function' || asked.sql.notify !== undefined) {
    issues.push({
      path: ['provider'],
      message: 'must be a DatabaseProvider on SQLite; others have a bus of their own',
    });
  }
  if (issues.length > 0) throw new ValidationError(issues);
  return new DataVersionBus(asked, { interval, clock });
}

/** After how many intervals without an answer others may have written unheard. */
const patience = 3;

type VersionedProvider = Pick<DatabaseProvider<never>, 'query' | 'sql'>;

class DataVersionBus implements InvalidationBus {
  readonly #provider: VersionedProvider;
  readonly #options: Required<DataVersionBusOptions>;
  /** What was answered last; undefined where nothing is known. */
  #version: number | undefined;
  #schema: number | undefined;
  #cancel: (() => void) | undefined;
  #isClosed = false;

  constructor(provider: VersionedProvider, options: Required<DataVersionBusOptions>) {
    this.#provider = provider;
    this.#options = options;
  }

  start(listener: BusListener): void {
    void outside(() => this.#look(listener));
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#cancel?.();
  }

  async #look(listener: BusListener): Promise<void> {
    const { clock, interval } = this.#options;
    let isLate = false;
    this.#cancel = clock.schedule(
      interval * patience,
      () => {
        isLate = true;
        listener.onLoss();
      },
      { keepsAlive: false },
    );
    const version = await this.#ask('data_version');
    const isNew = version !== this.#version;
    // Behind it: a schema that is the same now was so when the rows were changed.
    const schema = isNew && version !== undefined ? await this.#ask('schema_version') : this.#schema;
    this.#cancel();
    if (this.#isClosed) return;
    if (version === undefined) listener.onLoss();
    else if (isNew) listener.onGap({ keepsSchema: schema !== undefined && schema === this.#schema });
    else if (isLate) listener.onReturn();
    this.#version = version;
    this.#schema = schema;
    this.#cancel = clock.schedule(interval, () => void this.#look(listener), { keepsAlive: false });
  }

  async #ask(pragma: 'data_version' | 'schema_version'): Promise<number | undefined> {
    try {
      // It runs on the writer, as every PRAGMA does.
      const [row] = await this.#provider.query<Record<string, number>>(`pragma ${pragma}`);
      return row?.[pragma];
    } catch {
      return undefined;
    }
  }
}
