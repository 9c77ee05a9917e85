import { ValidationError } from '../foundation/errors/validation-error.ts';
import type { CommitParticipant } from '../provider/commit-participant.ts';
import { gatherForCommit } from '../provider/transaction-hooks.ts';
import { originalOf } from '../query/confined-handle.ts';
import type { StoredRow, UntypedDatabase } from '../repository/stored-row.ts';
import type { TableDefinition } from '../repository/table-definition.ts';
import type { ObservedWrite, RowChange, WriteObserver } from '../repository/write-observer.ts';
import type { AuditLog } from './audit-log.ts';
import { auditTablesOf } from './audit-tables.ts';
import type { AuditedOptions } from './audited-options.ts';
import { readCascadedRows, type CascadedRow, type CascadedRows } from './cascaded-rows.ts';
import { KnownCascades } from './known-cascades.ts';
import { LoadedRows } from './loaded-rows.ts';
import { eventOfChange } from './row-changes.ts';
import { tableRules, type TableRules } from './table-rules.ts';

const known = new WeakMap<AuditedOptions, AuditedWrites>();

/** Records what repositories of one table write. */
export class AuditedWrites implements WriteObserver {
  readonly #options: AuditedOptions;
  readonly #log: AuditLog;
  readonly #rules = new WeakMap<TableDefinition, TableRules>();
  readonly #loaded = new LoadedRows();
  readonly #cascades: KnownCascades;
  /** The table that the options are of, from the first write on. */
  #table: string | undefined;

  /** @throws ValidationError where no log is given */
  constructor(options: AuditedOptions) {
    if (typeof (options as Partial<AuditedOptions>).log?.record !== 'function') {
      throw new ValidationError([{ path: ['log'], message: 'must be an AuditLog' }]);
    }
    this.#options = options;
    this.#log = options.log;
    this.#cascades = KnownCascades.of(options.log.provider);
  }

  /** The one of some options: the repositories of each unit of work are made anew, with the same options. */
  static of(options: AuditedOptions): AuditedWrites {
    let writes = known.get(options);
    if (writes === undefined) known.set(options, (writes = new AuditedWrites(options)));
    return writes;
  }

  /** @throws ValidationError with every fault of the options, and where they are of another table */
  rulesOf(definition: TableDefinition): TableRules {
    let rules = this.#rules.get(definition);
    if (rules !== undefined) return rules;
    this.#table ??= definition.table;
    if (this.#table !== definition.table) {
      const message = `are those of table "${this.#table}", and table "${definition.table}" was to be audited by them; give it options of its own`;
      throw new ValidationError([{ path: ['options'], message }]);
    }
    rules = tableRules(this.#options, definition);
    this.#cascades.add(definition.table);
    this.#rules.set(definition, rules);
    return rules;
  }

  readonly loaded: WriteObserver['loaded'] = (row, definition, on) => {
    if (on.isTransaction) this.#loaded.keep(on, definition, row);
  };

  readonly write: WriteObserver['write'] = async (write, on) => {
    const rules = this.rulesOf(write.definition);
    const cascaded = await this.#readCascaded(write, rules, on);
    const changes = await write.send(this.#knownRow(write, on));
    try {
      for (const change of changes) await this.#recordChange(change, rules, on);
      if (changes.length > 0 && cascaded !== undefined) {
        for (const row of await cascaded.readAfter()) await this.#recordCascaded(row, on);
      }
    } catch (error) {
      await refuseCommit(on, error);
      throw error;
    }
    return changes;
  };

  #knownRow({ key, definition }: ObservedWrite, on: UntypedDatabase): StoredRow | undefined {
    return key && this.#loaded.find(on, definition, key);
  }

  async #readCascaded(
    write: ObservedWrite,
    rules: TableRules,
    on: UntypedDatabase,
  ): Promise<CascadedRows | undefined> {
    if (write.lock === undefined) return undefined;
    const resolved = await this.#cascades.resolve(rules, on);
    if (resolved.cascades.length === 0) return undefined;
    const row = await write.lock();
    if (row === undefined) return undefined;
    // What a cascade deletes is decided by the database, whoever may see it.
    return readCascadedRows(originalOf(on), this.#log.provider.sql, resolved, row);
  }

  async #recordChange(change: RowChange, rules: TableRules, on: UntypedDatabase): Promise<void> {
    if (change.after !== undefined) this.#loaded.keep(on, rules.definition, change.after);
    const event = eventOfChange(rules, change, this.#log.keys);
    if (event !== undefined) await this.#log.record(on, event);
  }

  async #recordCascaded({ rules, row, after, parent }: CascadedRow, on: UntypedDatabase): Promise<void> {
    const event = eventOfChange(rules, { before: row, after }, this.#log.keys);
    if (event !== undefined) await this.#log.record(on, { ...event, metadata: { cascade: parent } });
  }
}

/** Takes part in a commit only to refuse it. */
const refusal: CommitParticipant<unknown> = {
  async beforeCommit(_db, [error]) {
    throw error;
  },
};

/**
 * Sees to it that a transaction is not committed: it has written what could not be recorded, and whoever catches the
 * error of that might go on.
 */
async function refuseCommit(on: UntypedDatabase, error: unknown): Promise<void> {
  if (gatherForCommit(on, refusal, error)) return;
  // A transaction of Kysely's own hears of nothing but its statements: one that fails undoes it.
  await auditTablesOf(on)
    .insertInto('audit_logs')
    .defaultValues()
    .execute()
    .catch(() => {});
}
