import type { LeaseListener } from '../../foundation/pool-event.ts';
import type { PoolStats } from '../../foundation/pool-stats.ts';
import type { WatchedDatabase } from '../../foundation/telemetry.ts';
import type {
  OpenTelemetryApi,
  OtelAttributes,
  OtelHistogram,
  OtelMeter,
  OtelObservations,
} from './open-telemetry-api.ts';
import { poolName } from './place-attributes.ts';
import { quietly } from './quietly.ts';

interface WatchedPool {
  readonly attributes: OtelAttributes;
  readonly stats: () => PoolStats;
}

const nameAttribute = 'db.client.connection.pool.name';
const stateAttribute = 'db.client.connection.state';
const prefix = 'db.client.connection';

/** The figures of all pools: those that stand, asked when they are collected, and the durations as they come. */
export class PoolInstruments {
  readonly #api: OpenTelemetryApi;
  readonly #pools = new Set<WatchedPool>();
  readonly #waits;
  readonly #uses;

  /** @param boundaries the buckets of the durations, in seconds */
  constructor(api: OpenTelemetryApi, meter: OtelMeter, boundaries: readonly number[]) {
    this.#api = api;
    const advice = { explicitBucketBoundaries: [...boundaries] };
    const counts = (name: string, unit: string, description: string) =>
      meter.createObservableUpDownCounter(`${prefix}.${name}`, { unit, description });
    const count = counts('count', '{connection}', 'Open connections, by their state');
    const max = counts('max', '{connection}', 'The most connections that may be open');
    const pending = counts('pending_requests', '{request}', 'Callers that wait for a connection');
    const timeouts = meter.createObservableCounter(`${prefix}.timeouts`, {
      unit: '{timeout}',
      description: 'Callers turned away because no connection came in time or too many waited',
    });
    this.#waits = meter.createHistogram(`${prefix}.wait_time`, {
      unit: 's',
      description: 'How long it took to get a connection',
      advice,
    });
    this.#uses = meter.createHistogram(`${prefix}.use_time`, {
      unit: 's',
      description: 'How long a connection was held',
      advice,
    });
    const read = (figures: OtelObservations) => {
      for (const pool of this.#pools) {
        const { attributes } = pool;
        const stats = pool.stats();
        // Once more, with nothing open: the SDK goes on to tell what it was told last.
        if (stats.state === 'closed') this.#pools.delete(pool);
        figures.observe(count, stats.idle, { ...attributes, [stateAttribute]: 'idle' });
        figures.observe(count, stats.busy, { ...attributes, [stateAttribute]: 'used' });
        figures.observe(max, stats.max, attributes);
        figures.observe(pending, stats.waiting, attributes);
        figures.observe(timeouts, stats.timeouts, attributes);
      }
    };
    meter.addBatchObservableCallback(read, [count, max, pending, timeouts]);
  }

  /** Begins to watch a pool, until it is closed: nobody else has to say that it is. */
  watch(database: WatchedDatabase): LeaseListener {
    const attributes = { [nameAttribute]: this.#freeName(poolName(database)) };
    this.#pools.add({ attributes, stats: database.stats });
    // The pool calls them while it lends: what they threw would keep a connection that nobody has.
    const record = (durations: OtelHistogram, duration: number) =>
      quietly(this.#api, () => durations.record(duration / 1_000, attributes));
    return {
      waited: (wait) => record(this.#waits, wait),
      held: (duration) => record(this.#uses, duration),
    };
  }

  /** Two pools of one name would be one figure. */
  #freeName(name: string): string {
    const taken = new Set([...this.#pools].map(({ attributes }) => attributes[nameAttribute]));
    let free = name;
    for (let number = 2; taken.has(free); number += 1) free = `${name}#${number}`;
    return free;
  }
}
