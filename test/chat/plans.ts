/** How each engine tells which indexes it uses. */
import { sql, type CompiledQuery, type Kysely } from 'kysely';
import type { ChatDatabase } from '../../src/chat/chat-database.ts';

export interface PlanReader {
  /**
   * The steps of a query's plan.
   *
   * @param maySort whether a few rows may be sorted once they are found
   */
  planOf(db: Kysely<ChatDatabase>, query: CompiledQuery, maySort?: boolean): Promise<string[]>;
  /** A step that reads more than it gives. */
  readonly reads: RegExp;
  /** A step that sorts. */
  readonly sorts: RegExp;
  /** What the plan of a search shows. */
  readonly fullText: RegExp;
  /** Each column that refers to another table, and whether an index begins with it. */
  foreignKeys(db: Kysely<ChatDatabase>): Promise<{ rows: { child: string; indexed: number }[] }>;
}

export const planReaders: Readonly<Record<'sqlite' | 'postgres', PlanReader>> = {
  sqlite: {
    async planOf(db, query) {
      const { rows } = await db.executeQuery<{ detail: string }>({
        ...query,
        sql: `explain query plan ${query.sql}`,
      });
      return rows.map(({ detail }) => detail);
    },
    reads: /^SCAN (?!.*USING (COVERING )?INDEX)/,
    sorts: /TEMP B-TREE/,
    fullText: /VIRTUAL TABLE INDEX/,
    foreignKeys: (db) =>
      sql<{ child: string; indexed: number }>`
        select t.name || '.' || k."from" as child, exists (
          select 1 from pragma_index_list(t.name) l, pragma_index_info(l.name) i where i.seqno = 0 and i.name = k."from"
        ) as indexed
        from sqlite_schema t, pragma_foreign_key_list(t.name) k where t.type = 'table'
      `.execute(db),
  },
  postgres: {
    planOf: (db, query, maySort = false) =>
      db.transaction().execute(async (tx) => {
        // A planner that sees one row would rather read the table; what it may not do it does only in need.
        const sorting = maySort ? [] : ['enable_sort', 'enable_incremental_sort'];
        for (const choice of ['enable_seqscan', ...sorting]) {
          await sql`set local ${sql.raw(choice)} = off`.execute(tx);
        }
        const { rows } = await tx.executeQuery<{ 'QUERY PLAN': string }>({
          ...query,
          sql: `explain (costs off) ${query.sql}`,
        });
        return rows.map((row) => row['QUERY PLAN']);
      }),
    // The version, whether it is revoked, and the time that only moves on are looked at in the one row that is changed.
    reads: /Seq Scan|Filter: (?!\(version = |(?:\(\(revoked_at IS NULL\) AND )?\(COALESCE\(last_used_at)/,
    sorts: /Sort/,
    fullText: /Bitmap Index Scan on message_search_document_index/,
    foreignKeys: (db) =>
      sql<{ child: string; indexed: number }>`
        select k.conrelid::regclass || '.' || a.attname as child, exists (
          select 1 from pg_index i where i.indrelid = k.conrelid and i.indkey[0] = k.conkey[1]
        )::integer as indexed
        from pg_constraint k join pg_attribute a on a.attrelid = k.conrelid and a.attnum = k.conkey[1]
        where k.contype = 'f'
      `.execute(db),
  },
};
