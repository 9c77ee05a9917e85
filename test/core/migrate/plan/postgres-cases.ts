/**
 * Statements for Postgres by what is dangerous in them, and the safe form of each. They run on the tables of
 * `postgresScene` (postgres-scene.ts).
 */
import type { DangerCode } from '../../../../src/core/engine/danger-codes.ts';

export interface DangerCase {
  readonly code: DangerCode;
  /** Sent in one migration. */
  readonly unsafe: readonly string[];
  /** Sent one a migration, without the danger. */
  readonly safe?: readonly string[];
  /** Runs both without a transaction. */
  readonly isBare?: boolean;
}

const one = (code: DangerCode, unsafe: string, ...safe: readonly string[]): DangerCase => ({
  code,
  unsafe: [unsafe],
  safe,
});

export const postgresCases: readonly DangerCase[] = [
  one(
    'add-column-not-null',
    'alter table books add column n integer not null',
    'alter table books add column n integer not null default 0',
  ),
  one(
    'add-check',
    'alter table books add constraint c check (pages > 0)',
    'alter table books add constraint c check (pages > 0) not valid',
    'alter table books validate constraint c',
  ),
  one('add-check', 'alter table books add check (price >= 0)'),
  one(
    'add-check',
    'alter table books add column n integer check (n > 0)',
    'alter table books add column n integer',
  ),
  one(
    'add-check',
    'alter domain amount add constraint positive check (value > 0)',
    'alter domain amount add constraint positive check (value > 0) not valid',
    'alter domain amount validate constraint positive',
  ),
  one(
    'add-column-rewrite',
    'alter table books add column r double precision default random()',
    'alter table books add column r double precision',
    'alter table books alter column r set default random()',
  ),
  one('add-column-rewrite', 'alter table books add column u uuid not null default gen_random_uuid()'),
  one(
    'add-column-rewrite',
    'alter table books add column t timestamptz default clock_timestamp()',
    'alter table books add column t timestamptz default now()',
  ),
  one('add-column-rewrite', 'alter table books add column s bigserial'),
  one(
    'add-column-rewrite',
    'alter table books add column double integer generated always as (pages * 2) stored',
    `alter table books add column plain text not null default 'x()' || 'y'`,
  ),
  one('add-column-rewrite', 'alter table books add column i integer generated always as identity'),
  one('add-exclusion', 'alter table books add constraint e exclude using btree (isbn with =)'),
  one(
    'add-foreign-key',
    'alter table books add constraint f foreign key (author_id) references authors (id)',
    'alter table books add constraint f foreign key (author_id) references authors (id) not valid',
    'alter table books validate constraint f',
  ),
  one(
    'add-foreign-key',
    'alter table books add column editor integer references authors',
    'alter table books add column editor integer',
  ),
  one('add-foreign-key', 'alter table if exists only "books" add foreign key (author_id) references authors'),
  one('add-index', 'create index i on books (pages)'),
  one('add-index', 'create unique index if not exists i on only books using btree (pages) where pages > 0'),
  {
    code: 'add-index',
    unsafe: ['create index on books (lower(title))'],
    safe: ['create index concurrently i on books (lower(title))'],
    isBare: true,
  },
  one(
    'add-index',
    'create index "on" on "books" (pages)',
    'create table drafts (id integer)',
    'create index d on drafts (id)',
  ),
  one('add-json-column', 'alter table books add column j json', 'alter table books add column j jsonb'),
  one(
    'add-partition',
    'alter table measures attach partition measures_2 for values from (10) to (20)',
    'create table fresh (at integer, value integer)',
    'alter table measures attach partition fresh for values from (30) to (40)',
  ),
  one('add-partition', 'create table measures_3 partition of measures for values from (20) to (30)'),
  one('add-unique', 'alter table books add constraint u unique (pages)'),
  one(
    'add-unique',
    'alter table books add constraint u unique (isbn)',
    'alter table books add constraint u unique using index books_isbn_key',
  ),
  one('add-unique', 'alter table measures_2 add primary key (at)'),
  one('add-unique', 'alter table books add column k integer unique'),
  {
    code: 'backfill-in-transaction',
    unsafe: ['alter table books add column n integer', 'update books set n = 1 where id < 10'],
    safe: ['alter table books add column n integer', 'update books set n = 1 where id < 10'],
  },
  {
    code: 'backfill-in-transaction',
    unsafe: ['alter table books add column n integer', 'insert into authors select id + 10 from books'],
    safe: ['insert into authors values (7)'],
  },
  {
    code: 'backfill-in-transaction',
    unsafe: [
      'alter table books add column n integer',
      'with gone as (update authors set id = id + 1 where id > 5 returning id) select * from gone',
    ],
  },
  one('change-type', 'alter table books alter column id type bigint'),
  one(
    'change-type',
    'alter table books alter author_id set data type text using author_id::text',
    'alter table books alter isbn type varchar(20)',
    'alter table books alter isbn type text',
    'alter table books alter price type numeric(8, 2)',
  ),
  one('change-type', 'alter table books alter column isbn type varchar(5)'),
  one('change-type', 'alter table books alter column price type numeric(8, 3)'),
  one('cluster-table', 'cluster books using books_title_index'),
  one('concurrently-in-transaction', 'create index concurrently i on books (pages)'),
  one('concurrently-in-transaction', 'drop index concurrently books_title_index'),
  {
    code: 'delete-rows',
    unsafe: ['delete from books where id = 7'],
    safe: ['create table drafts as select * from books', 'delete from drafts'],
  },
  one(
    'delete-rows',
    'with gone as (delete from books returning *) select count(*) from gone',
    `select 'delete from books'`,
  ),
  one(
    'delete-rows',
    `merge into books b using authors a on a.id = b.id when not matched then do nothing
       when matched and b.pages > 1 then delete`,
    `merge into books b using authors a on a.id = b.id
       when matched then update set title = 'then delete' when not matched then do nothing`,
  ),
  one('detach-partition', 'alter table measures detach partition measures_1'),
  {
    code: 'detach-partition',
    unsafe: ['alter table measures detach partition measures_1'],
    safe: ['alter table measures detach partition measures_1 concurrently'],
    isBare: true,
  },
  one('disable-trigger', 'alter table books disable trigger user', 'alter table books enable trigger user'),
  one('drop-cascade', 'drop table books cascade', 'create table drafts (id integer)', 'drop table drafts'),
  one('drop-cascade', 'alter table books drop column title cascade'),
  one('drop-cascade', 'truncate authors cascade'),
  one(
    'drop-column',
    'alter table books drop column spare',
    'alter table books alter column spare drop not null',
  ),
  one('drop-column', 'alter table books drop if exists spare, drop price'),
  one('drop-constraint', 'alter table books drop constraint pages_check'),
  one('drop-constraint', 'alter domain amount drop constraint limited'),
  one(
    'drop-index',
    'drop index books_title_index',
    'create table drafts (id integer)',
    'create index other_index on drafts (id)',
    'drop index other_index',
  ),
  {
    code: 'drop-index',
    unsafe: ['drop index if exists books_title_index'],
    safe: ['drop index concurrently books_title_index'],
    isBare: true,
  },
  one('drop-object', 'drop view titles', 'create view more as select 1 as one', 'drop view more'),
  one('drop-object', 'drop type mood'),
  one(
    'drop-object',
    'drop function one()',
    'create function two() returns integer language sql as $$ select 2 $$',
    'drop function two()',
  ),
  one('drop-object', 'drop sequence places'),
  one('drop-schema', 'drop schema other cascade', 'create schema fresh', 'drop schema fresh'),
  one('drop-table', 'drop table other.far'),
  one(
    'drop-table',
    'drop table if exists measures_2, checked',
    'create table drafts (id integer)',
    'drop table drafts',
  ),
  {
    code: 'drop-table',
    unsafe: ['create temp table checked (id integer)', 'drop table public.checked'],
    safe: ['create temp table checked (id integer)', 'drop table checked'],
  },
  {
    code: 'drop-table',
    unsafe: [
      'create temporary table drafts (id integer)',
      'create index checked on drafts (id)',
      'drop table public.checked',
    ],
    safe: [
      'select 1 as id into temp checked',
      'alter table checked rename to more',
      'drop table pg_temp.more',
    ],
  },
  one('lock-table', 'lock table books in share mode'),
  one(
    'redirect-rows',
    'create rule r as on insert to books do instead nothing',
    'create rule r as on insert to books do also notify books',
  ),
  one('redirect-rows', 'alter table books enable row level security'),
  one('refresh-view', 'refresh materialized view sums', 'refresh materialized view concurrently sums'),
  one('reindex', 'reindex table books'),
  {
    code: 'reindex',
    unsafe: ['reindex index books_title_index'],
    safe: ['reindex (concurrently) table books', 'reindex index concurrently books_title_index'],
    isBare: true,
  },
  one(
    'rename-column',
    'alter table books rename column title to name',
    'alter table books rename constraint pages_check to p',
  ),
  one('rename-column', 'alter table books rename spare to "to"'),
  one('rename-object', 'alter view titles rename to names', 'alter index books_title_index rename to t'),
  one('rename-object', `alter type mood rename value 'glad' to 'happy'`, `alter type mood add value 'sad'`),
  one('rename-schema', 'alter schema other rename to elsewhere'),
  one('rename-table', 'alter table books rename to works'),
  one(
    'rename-table',
    'alter table measures_2 set schema other',
    'create table drafts (id integer)',
    'alter table drafts rename to papers',
  ),
  one('rewrite-table', 'alter table books set unlogged', 'alter table books set (fillfactor = 90)'),
  one(
    'set-not-null',
    'alter table books alter column title set not null',
    'alter table books add constraint n check (title is not null) not valid',
    'alter table books validate constraint n',
    'alter table books alter column title set not null',
  ),
  one(
    'set-not-null',
    'alter table books alter title set not null',
    'alter table checked alter name set not null',
  ),
  one('set-not-null', 'alter domain amount set not null', 'alter domain amount drop not null'),
  one('truncate', 'truncate table books', 'create table drafts (id integer)', 'truncate drafts'),
  one('unknown-statement', 'do $$ begin perform 1; end $$'),
  one('unknown-statement', 'explain analyze select 1', 'explain select 1'),
  one(
    'update-all-rows',
    `update books set spare = 'where'`,
    `update books set spare = 'x' where id between 1 and 10`,
  ),
  one('update-all-rows', 'update only books as b set pages = (select 1 from authors where id = 1)'),
  one('update-all-rows', 'update books set pages = 1 where true'),
  { code: 'vacuum-full', unsafe: ['vacuum (full, analyze) books'], safe: ['vacuum books'], isBare: true },
  {
    code: 'validate-with-add',
    unsafe: [
      'alter table books add constraint c check (pages > 0) not valid',
      'alter table books validate constraint c',
    ],
    safe: [
      'alter table books add constraint c check (pages > 0) not valid',
      'alter table books validate constraint c',
    ],
  },
];
