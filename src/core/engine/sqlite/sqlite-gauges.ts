import { open, stat } from 'node:fs/promises';
import type { EngineGauges, WalGauges } from '../engine-gauges.ts';
import type { SqliteLanes } from './sqlite-lanes.ts';

/** Where the header of a write-ahead log says how often it has begun anew. */
const restartsAt = 12;
const headerBytes = 32;

const versionQuery = 'select sqlite_version() as version';
const sizeQuery = 'select page_count * page_size as bytes from pragma_page_count, pragma_page_size';

/** What SQLite can tell of itself. It waits for no connection: what would need a busy one is absent. */
export class SqliteGauges {
  readonly #lanes: SqliteLanes;
  readonly #filename: string;
  /** Asked once: whoever asks a connection keeps it from being closed as idle. */
  #version: string | undefined;

  /** @param filename an absolute path, or `:memory:` */
  constructor(lanes: SqliteLanes, filename: string) {
    this.#lanes = lanes;
    this.#filename = filename;
  }

  async read(): Promise<EngineGauges> {
    const lanes = this.#lanes;
    const isFile = !lanes.isInMemory;
    const [databaseBytes, wal] = await Promise.all([
      isFile ? bytesOf(this.#filename) : askAtOnce<{ bytes: number }>(lanes, sizeQuery)?.bytes,
      isFile ? readLog(lanes, `${this.#filename}-wal`) : undefined,
    ]);
    this.#version ??= askAtOnce<{ version: string }>(lanes, versionQuery)?.version;
    return {
      ...(this.#version !== undefined && { version: this.#version }),
      ...(databaseBytes !== undefined && { databaseBytes }),
      ...(wal !== undefined && { wal }),
      writerQueue: lanes.writer.stats().waiting,
      ...(lanes.meter.isOn && { loop: lanes.meter.stats() }),
      ...(lanes.workers !== undefined && { workers: lanes.workers.gauges() }),
    };
  }
}

function askAtOnce<Row>(lanes: SqliteLanes, sql: string): Row | undefined {
  if (!lanes.isRunning) return undefined;
  try {
    return (lanes.readers.idle ?? lanes.writer.idle)?.read<Row>(sql, [])?.rows[0];
  } catch {
    return undefined;
  }
}

async function bytesOf(file: string): Promise<number | undefined> {
  try {
    return (await stat(file)).size;
  } catch {
    return undefined;
  }
}

/** Where there is no file yet there is no figure; behind it, a log that is not there is an empty one. */
async function readLog(lanes: SqliteLanes, file: string): Promise<WalGauges> {
  const restarts = await readRestarts(file);
  return {
    bytes: (await bytesOf(file)) ?? 0,
    ...(restarts !== undefined && { restarts }),
    ...lanes.checkpoints.stats(),
  };
}

async function readRestarts(file: string): Promise<number | undefined> {
  try {
    await using log = await open(file);
    const { bytesRead, buffer } = await log.read({ buffer: new Uint8Array(headerBytes), position: 0 });
    if (bytesRead < headerBytes) return undefined;
    return new DataView(buffer.buffer).getUint32(restartsAt);
  } catch {
    return undefined;
  }
}
