/** Asks the server what a statement of a plan has locked and rewritten. It knows the relations of before the plan. */
import { sql, type Kysely } from 'kysely';
import type {
  Danger,
  StatementAssessment,
  StatementLock,
  StatementWitness,
} from '../statement-assessment.ts';
import { postgresDangers } from './postgres-dangers.ts';
import { notNullColumnsOf } from './postgres-runnable.ts';

interface Relation {
  readonly name: string;
  readonly isTable: boolean;
  /** The table that it belongs to, where it is an index. */
  readonly owner: string;
  readonly file: string;
}

/** From the weakest to the strongest. */
const modes = [
  'ACCESS SHARE',
  'ROW SHARE',
  'ROW EXCLUSIVE',
  'SHARE UPDATE EXCLUSIVE',
  'SHARE',
  'SHARE ROW EXCLUSIVE',
  'EXCLUSIVE',
  'ACCESS EXCLUSIVE',
];

/** Kinds whose files say nothing of a rewrite: they make, drop or empty. */
const replacing: ReadonlySet<string> = new Set([
  'truncate',
  'drop table',
  'reindex',
  'refresh materialized view',
]);

/** Makes the plan's transaction ready, and remembers what is there. */
export async function beginPostgresPlan(trx: Kysely<any>, lockTimeout: number): Promise<StatementWitness> {
  await sql`select set_config('lock_timeout', ${`${lockTimeout}ms`}, true)`.execute(trx);
  return new PostgresWitness(await readRelations(trx));
}

class PostgresWitness implements StatementWitness {
  readonly #first: ReadonlyMap<string, Relation>;
  #known: ReadonlyMap<string, Relation>;
  /** What is held of each relation: a lock is kept until the end, so a second one of its kind is not seen. */
  readonly #held = new Map<string, Set<string>>();

  constructor(relations: ReadonlyMap<string, Relation>) {
    this.#first = relations;
    this.#known = relations;
  }

  async settle(db: Kysely<any>, text: string, assessment: StatementAssessment): Promise<StatementAssessment> {
    if (assessment.kind === 'read') return assessment;
    const taken = await this.#readNewLocks(db);
    const now = await readRelations(db);
    const rewritten = replacing.has(assessment.kind) ? [] : this.#findRewritten(now);
    this.#known = now;
    return {
      ...assessment,
      locks: this.#merge(assessment.locks, taken),
      rewrites: rewritten.length > 0,
      dangers: await this.#judge(db, text, assessment, rewritten),
      measured: true,
    };
  }

  async #readNewLocks(db: Kysely<any>): Promise<readonly StatementLock[]> {
    const { rows } = await sql<{ relation: string; mode: string }>`
      select relation::text as relation, mode from pg_locks
      where pid = pg_backend_pid() and locktype = 'relation' and granted
        and database = (select oid from pg_database where datname = current_database())`.execute(db);
    const strongest = new Map<string, string>();
    for (const { relation, mode } of rows) {
      const held = this.#held.get(relation) ?? new Set();
      this.#held.set(relation, held);
      const table = this.#first.has(relation)
        ? (this.#known.get(relation) ?? this.#first.get(relation))
        : undefined;
      if (held.has(mode) || !table?.isTable) {
        held.add(mode);
        continue;
      }
      held.add(mode);
      const name = wordsOf(mode);
      const other = strongest.get(table.name);
      if (other === undefined || modes.indexOf(name) > modes.indexOf(other)) strongest.set(table.name, name);
    }
    return [...strongest].map(([table, mode]) => ({ table, mode }));
  }

  /** What a rule says stands where the transaction held that lock before, so that nothing new could be seen. */
  #merge(ruled: readonly StatementLock[], taken: readonly StatementLock[]): readonly StatementLock[] {
    const kept = ruled.filter(
      ({ table, mode }) => !taken.some((lock) => lock.table === table) && this.#isHeld(table, mode),
    );
    return [...taken, ...kept];
  }

  #isHeld(name: string | undefined, mode: string): boolean {
    for (const [oid, relation] of this.#first) {
      const current = this.#known.get(oid) ?? relation;
      if (current.name !== name && relation.name !== name) continue;
      return relation.isTable && [...(this.#held.get(oid) ?? [])].some((held) => wordsOf(held) === mode);
    }
    return false;
  }

  #findRewritten(now: ReadonlyMap<string, Relation>): readonly string[] {
    const tables = new Set<string>();
    for (const [oid, { file, owner }] of now) {
      const before = this.#known.get(oid);
      if (this.#first.has(oid) && before !== undefined && before.file !== file) tables.add(owner);
    }
    return [...tables];
  }

  async #judge(
    db: Kysely<any>,
    text: string,
    { dangers }: StatementAssessment,
    rewritten: readonly string[],
  ): Promise<readonly Danger[]> {
    let left = dangers;
    if (rewritten.length === 0) {
      left = left.filter(({ code }) => code !== 'change-type' && code !== 'add-column-rewrite');
    } else if (!left.some(({ code }) => rewriting.has(code))) {
      left = [...left, ...rewritten.map(rewriteOf)];
    }
    const hasScan = left.some(({ code }) => code === 'set-not-null');
    return hasScan && (await isProven(db, text)) ? left.filter(({ code }) => code !== 'set-not-null') : left;
  }
}

const rewriting: ReadonlySet<string> = new Set([
  'add-column-rewrite',
  'change-type',
  'cluster-table',
  'rewrite-table',
  'vacuum-full',
]);

function rewriteOf(table: string): Danger {
  const code = 'rewrite-table';
  const text = postgresDangers[code];
  return { code, message: text?.message(table) ?? '', remedy: text?.remedy ?? '' };
}

/** A valid CHECK that a column is no NULL saves SET NOT NULL from reading the rows. */
async function isProven(db: Kysely<any>, text: string): Promise<boolean> {
  const columns = notNullColumnsOf(text);
  if (columns.length === 0) return false;
  const { rows } = await sql<{ name: string }>`
    select distinct a.attname as name from pg_constraint c
    join pg_attribute a on a.attrelid = c.conrelid and a.attnum = any (c.conkey)
    where c.contype = 'c' and c.convalidated
      and pg_get_constraintdef(c.oid) = format('CHECK ((%I IS NOT NULL))', a.attname)
      and c.conrelid in (
        select relation from pg_locks
        where pid = pg_backend_pid() and locktype = 'relation' and mode = 'AccessExclusiveLock'
      )`.execute(db);
  return columns.every((column) => rows.some(({ name }) => name === column));
}

async function readRelations(trx: Kysely<any>): Promise<ReadonlyMap<string, Relation>> {
  const { rows } = await sql<{ oid: string; name: string; kind: string; owner: string; file: string }>`
    select c.oid::text as oid, c.relkind::text as kind, c.relfilenode::text as file,
      case when n.nspname = current_schema() then c.relname else n.nspname || '.' || c.relname end as name,
      coalesce(
        case when tn.nspname = current_schema() then t.relname else tn.nspname || '.' || t.relname end, ''
      ) as owner
    from pg_class c
    join pg_namespace n on n.oid = c.relnamespace
    left join pg_index i on i.indexrelid = c.oid
    left join pg_class t on t.oid = i.indrelid
    left join pg_namespace tn on tn.oid = t.relnamespace
    where c.relkind in ('r', 'p', 'm', 'f', 'v', 'i') and n.nspname <> 'information_schema'
      and n.nspname !~ '^pg_'`.execute(trx);
  return new Map(
    rows.map(({ oid, name, kind, owner, file }) => [
      oid,
      { name, isTable: kind !== 'i', owner: kind === 'i' ? owner : name, file },
    ]),
  );
}

/** `ShareUpdateExclusiveLock` in the words of the manual. */
function wordsOf(mode: string): string {
  return mode
    .replace(/Lock$/, '')
    .replaceAll(/(?<=[a-z])(?=[A-Z])/g, ' ')
    .toUpperCase();
}
