import { originalOf } from '../query/confined-handle.ts';
import type { UntypedDatabase } from '../repository/stored-row.ts';
import type { ForeignKey } from '../engine/foreign-key.ts';
import type { AuditProvider } from './audit-provider.ts';
import { auditTablesOf } from './audit-tables.ts';
import { resolveCascades } from './resolve-cascades.ts';
import type { TableRules } from './table-rules.ts';

interface Resolved {
  readonly rules: TableRules;
  /** How many tables were known to be audited then. */
  readonly tables: number;
}

const known = new WeakMap<AuditProvider, KnownCascades>();

/** What the foreign keys of a database do to its audited tables. They are read with the first delete. */
export class KnownCascades {
  readonly #provider: AuditProvider;
  readonly #tables = new Set<string>();
  readonly #resolved = new WeakMap<TableRules, Resolved>();
  #keys: readonly ForeignKey[] | undefined;

  private constructor(provider: AuditProvider) {
    this.#provider = provider;
  }

  /** The one of a database. */
  static of(provider: AuditProvider): KnownCascades {
    let cascades = known.get(provider);
    if (cascades === undefined) known.set(provider, (cascades = new KnownCascades(provider)));
    return cascades;
  }

  /** Notes that a table is audited. */
  add(table: string): void {
    this.#tables.add(table);
  }

  /**
   * The rules of a table with what its foreign keys do; as they are where nobody can read these. They are checked once,
   * and again when another table is known to be audited.
   *
   * @param on a transaction
   * @throws ValidationError as `resolveCascades`; the errors of any statement
   */
  async resolve(rules: TableRules, on: UntypedDatabase): Promise<TableRules> {
    const { migrations } = this.#provider;
    if (migrations?.readForeignKeys === undefined) return rules;
    const before = this.#resolved.get(rules);
    if (before?.tables === this.#tables.size) return before.rules;
    const keys = (this.#keys ??= await migrations.readForeignKeys(auditTablesOf(originalOf(on))));
    try {
      const resolved = resolveCascades(rules, keys, this.#tables);
      this.#resolved.set(rules, { rules: resolved, tables: this.#tables.size });
      return resolved;
    } catch (error) {
      // A migration may mend it.
      this.#keys = undefined;
      throw error;
    }
  }
}
