/** The tables of the plans on Postgres, and what is harmless to them. */

/** What the statements find. */
export const postgresScene = [
  'create schema other',
  'create table other.far (id integer primary key, note text)',
  'create table authors (id integer primary key, name text)',
  `create table books (id integer primary key, author_id integer, isbn varchar(10), pages integer,
     price numeric(6, 2), title text, spare text, constraint pages_check check (pages > 0))`,
  'create index books_title_index on books (title)',
  'create unique index books_isbn_key on books (isbn)',
  'insert into authors values (1)',
  `insert into books values (1, 1, 'a', 10, 1.5, 'A title', 'x')`,
  'create table measures (at integer, value integer) partition by range (at)',
  'create table measures_1 partition of measures for values from (0) to (10)',
  'create table measures_2 (at integer, value integer)',
  'create materialized view sums as select count(*) as n from books with data',
  'create unique index sums_key on sums (n)',
  'create view titles as select title from books',
  `create type mood as enum ('glad')`,
  'create function one() returns integer language sql immutable as $$ select 1 $$',
  'create sequence places',
  'create domain amount as integer constraint limited check (value < 1000)',
  'create table checked (id integer primary key, name text constraint named check (name is not null))',
] as const;

/** Statements that a plan on tables in use finds nothing to say about. */
export const harmlessOnPostgres = [
  'create table drafts (id integer primary key, book_id integer references books)',
  'create table if not exists drafts (id integer)',
  `insert into authors (id, name) values (2, 'delete from books')`,
  `comment on table books is 'drop table books'`,
  'select * from books for update',
  'alter table books add column n integer',
  'alter table books add column n integer not null default 0',
  `alter table books add column n text collate "C" default 'a(b)'`,
  'alter table books alter column pages set default 7',
  'alter table books alter column pages drop default',
  'alter table books alter column pages set statistics 100',
  'create or replace view titles as select title from books',
  'create function f() returns void language sql begin atomic delete from books where false; end',
  'grant select on books to public',
  `set local work_mem = '8MB'`,
  'analyze books',
  'create extension if not exists plpgsql',
  'create sequence more',
  `create type colour as enum ('red')`,
] as const;
