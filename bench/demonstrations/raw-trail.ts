import { randomBytes, randomUUID } from 'node:crypto';
import Database from 'better-sqlite3';
import { AuditLog, auditMigrations } from '../../src/core/audit/index.ts';
import { newId } from '../../src/core/domain/index.ts';
import { DatabaseProviderFactory, systemClock } from '../../src/core/index.ts';
import { Migrator } from '../../src/core/migrate/index.ts';
import { KeyRing } from '../../src/core/security/index.ts';

/** What SQLite itself takes for the rows of a trail, whoever writes them. */
export class RawTrail {
  readonly #database: Database.Database;
  readonly #template: Readonly<Record<string, unknown>>;
  readonly #columns: readonly string[];
  #seq = 1;

  static async open(filename: string, durability: 'full' | 'normal', isIndexed: boolean): Promise<RawTrail> {
    {
      await using provider = DatabaseProviderFactory.createProvider<unknown>({
        url: `sqlite:${filename}`,
        slowQueryThreshold: 0,
      });
      await new Migrator(provider, auditMigrations).latest();
      const log = new AuditLog(provider, { keys: KeyRing.of([{ id: 'audit', key: randomBytes(32) }]) });
      await provider.transaction((tx) =>
        log.record(tx, {
          action: 'update',
          actor: { type: 'user', id: 'bench', requestId: 'request-1' },
          entity: { type: 'thread', id: randomUUID() },
          changes: [{ field: 'title', old: 'Lunch 1', new: 'Lunch 2' }],
        }),
      );
    }
    const database = new Database(filename);
    database.pragma('journal_mode = WAL');
    database.pragma(`synchronous = ${durability}`);
    if (!isIndexed) {
      const indexes = database
        .prepare<[], { name: string }>(
          "select name from sqlite_schema where type = 'index' and sql is not null",
        )
        .all();
      for (const { name } of indexes) database.exec(`drop index ${name}`);
    }
    return new RawTrail(database);
  }

  constructor(database: Database.Database) {
    this.#database = database;
    this.#template = database.prepare<[], Record<string, unknown>>('select * from audit_logs').get()!;
    this.#columns = Object.keys(this.#template);
  }

  /** @returns the time of one transaction of that many rows, in ms */
  time(updates: number, runs: number): number {
    const row = `(${this.#columns.map(() => '?').join(', ')})`;
    const insert = this.#database.prepare(
      `insert into audit_logs values ${Array.from({ length: updates }, () => row).join(', ')}`,
    );
    const parts = Array.from({ length: runs }, () => this.#makeValues(updates));
    const start = performance.now();
    for (const part of parts) {
      this.#database.exec('begin immediate');
      insert.run(...part);
      this.#database.exec('commit');
    }
    return (performance.now() - start) / runs;
  }

  close(): void {
    this.#database.close();
  }

  #makeValues(updates: number): unknown[] {
    return Array.from({ length: updates }, (_, thread) => {
      this.#seq += 1;
      const row = {
        ...this.#template,
        seq: this.#seq,
        id: newId(),
        recorded_at: systemClock.now(),
        entity_id: `00000000-0000-7000-8000-${String(thread).padStart(12, '0')}`,
      };
      return Object.values(row);
    }).flat();
  }
}
