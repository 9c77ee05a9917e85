/** Statements for SQLite by what is dangerous in them, and the safe form of each, on the tables of `sqliteScene`. */
import type { DangerCase } from './postgres-cases.ts';

/** What the statements find. */
export const sqliteScene = [
  'create table authors (id integer primary key, name text)',
  'create table books (id integer primary key, author_id integer references authors (id), title text, pages integer)',
  'create index books_title_index on books (title)',
  'create view titles as select title from books',
  'create table kept (n integer, m integer not null, constraint positive check (n > 0))',
  'insert into authors (id) values (1)',
  'insert into books values (1, 1, null, 10)',
] as const;

export const sqliteCases: readonly DangerCase[] = [
  { code: 'add-check', unsafe: ['alter table books add constraint c check (pages > 0)'] },
  { code: 'add-check', unsafe: ['alter table books add check (pages > 0)'] },
  {
    code: 'add-column-not-null',
    unsafe: ['alter table books add column n integer not null'],
    safe: ['alter table books add column n integer not null default 0'],
  },
  {
    code: 'add-column-not-null',
    unsafe: ['alter table books add n text default null not null'],
    safe: ['alter table books add n text'],
  },
  {
    code: 'add-column-refused',
    unsafe: ['alter table books add column n integer unique'],
    safe: ['alter table books add column n integer'],
  },
  {
    code: 'add-column-refused',
    unsafe: ['alter table books add column n integer default 1 references authors (id)'],
    safe: ['alter table books add column n integer references authors (id)'],
  },
  { code: 'add-column-refused', unsafe: ['alter table books add column at text default current_timestamp'] },
  {
    code: 'add-column-refused',
    unsafe: ['alter table books add column n integer as (pages * 2) stored'],
    safe: ['alter table books add column n integer as (pages * 2) virtual'],
  },
  {
    code: 'add-index',
    unsafe: ['create index i on books (pages)'],
    safe: ['create table drafts (id integer)', 'create index d on drafts (id)'],
  },
  {
    code: 'add-index',
    unsafe: ['create unique index if not exists [i] on `books` ("pages") where pages > 0'],
  },
  {
    code: 'backfill-in-transaction',
    unsafe: ['alter table books add column n integer', 'update books set n = 1 where id < 10'],
    safe: ['alter table books add column n integer', 'update books set n = 1 where id < 10'],
  },
  { code: 'concurrently-in-transaction', unsafe: ['vacuum'] },
  { code: 'delete-rows', unsafe: ['delete from books where id = 1'], safe: [`select 'delete from books'`] },
  {
    code: 'delete-rows',
    unsafe: ['with old as (select 1 as id) delete from books where id in (select id from old)'],
  },
  {
    code: 'delete-rows',
    unsafe: [`insert or replace into authors values (1, 'x')`],
    safe: [`insert into authors values (1, 'x') on conflict (id) do update set name = 'x'`],
  },
  { code: 'delete-rows', unsafe: [`replace into main.authors values (1, 'x')`] },
  { code: 'delete-rows', unsafe: ['update or replace books set pages = 1 where id = 1'] },
  { code: 'drop-column', unsafe: ['alter table books drop column pages'] },
  {
    code: 'drop-constraint',
    unsafe: ['alter table kept drop constraint positive'],
    safe: [
      'create table drafts (a integer, constraint c check (a > 0))',
      'alter table drafts drop constraint c',
    ],
  },
  {
    code: 'drop-index',
    unsafe: ['drop index books_title_index'],
    safe: ['create index d on authors (name) /* small */'].slice(1),
  },
  {
    code: 'drop-object',
    unsafe: ['drop view titles'],
    safe: ['create view more as select 1 as one', 'drop view more'],
  },
  {
    code: 'drop-table',
    unsafe: ['drop table main.books'],
    safe: ['create table drafts (id integer)', 'drop table "DRAFTS"'],
  },
  {
    code: 'drop-table',
    unsafe: ['create temp table kept (id integer)', 'drop table main.kept'],
    safe: [
      'create temp table kept (id integer)',
      'insert or replace into kept values (1)',
      'drop table kept',
    ],
  },
  {
    code: 'drop-table',
    unsafe: ['create temporary table kept (id integer)', 'drop table kept', 'drop table kept'],
    safe: ['create table temp.kept (id integer)', 'alter table kept rename to more', 'drop table temp.more'],
  },
  {
    code: 'drop-table',
    unsafe: ['create trigger kept after insert on authors begin select 1; end', 'drop table kept'],
  },
  {
    code: 'pragma',
    unsafe: ['pragma user_version = 7'],
    safe: ['pragma user_version', 'pragma table_info(books)', 'pragma foreign_key_check'],
  },
  { code: 'pragma', unsafe: ['PRAGMA main . "cache_size" (-2000)'] },
  {
    code: 'rebuild-table',
    unsafe: [
      'create table books_new (id integer primary key, title text)',
      'insert into books_new select id, title from books',
      'drop table books',
      'drop view titles',
      'alter table books_new rename to books',
    ],
  },
  { code: 'reindex', unsafe: ['reindex books'] },
  { code: 'rename-column', unsafe: ['alter table books rename pages to leaves'] },
  {
    code: 'rename-table',
    unsafe: ['alter table books rename to works'],
    safe: ['create table drafts (id integer)', 'alter table drafts rename to papers'],
  },
  { code: 'rewrite-table', unsafe: ['vacuum'], isBare: true },
  {
    code: 'set-not-null',
    unsafe: ['alter table kept alter column n set not null'],
    safe: ['alter table kept alter column m drop not null'],
  },
  { code: 'unknown-statement', unsafe: [`attach ':memory:' as other`], isBare: true },
  {
    code: 'update-all-rows',
    unsafe: ['update books set pages = 1'],
    safe: ['update books set pages = 1 where id = 1'],
  },
  { code: 'update-all-rows', unsafe: [`update or ignore books set title = 'where id = 1' -- where id = 1`] },
  { code: 'update-all-rows', unsafe: ['update books set pages = 1 where 1 = 1'] },
];

/** Statements that a plan on tables in use finds nothing to say about. */
export const harmlessOnSqlite = [
  'create table drafts (id integer primary key, book_id integer references books (id)) strict',
  `insert into authors (name) values ('drop table books')`,
  `insert or ignore into authors values (1, 'x')`,
  'create trigger t after insert on authors begin delete from books; update books set pages = 1; end',
  'alter table books add column n integer',
  'select * from books',
  'explain query plan delete from books',
  'analyze',
] as const;
