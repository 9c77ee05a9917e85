import { CopyRefusedError, otherRunError } from '../../foundation/errors/copy-errors.ts';
import { NotNullViolationError } from '../../foundation/errors/constraint-errors.ts';
import { QueryError } from '../../foundation/errors/statement-errors.ts';
import { DatabaseBusyError } from '../../foundation/errors/transaction-errors.ts';
import { loadCrypto } from '../../foundation/node-crypto.ts';
import { orphanCondition, quoteName, quoteNames } from '../orphan-condition.ts';
import { RowBudget } from '../row-budget.ts';
import type { TransferCell, TransferReference, TransferTable } from '../transfer-table.ts';
import {
  transferRecords,
  transferRun,
  type LastKey,
  type TransferLoad,
  type TransferNote,
  type TransferTarget,
} from '../transfer-traits.ts';
import { CopyIn } from './copy-in.ts';
import { writeCopyLines } from './copy-text.ts';
import type { PostgresTransferClient } from './postgres-transfer-client.ts';
import { moveSequences } from './postgres-transfer-sequences.ts';

const aside = 'aside';
/** SQLSTATE `undefined_table`. */
const noTable = '42P01';

/** As a statement of its own. The session reads a backslash in a string as it is. */
function writeNotes(notes: readonly TransferNote[]): string {
  if (notes.length === 0) return '';
  const quote = (text: string) => `'${text.replaceAll("'", "''")}'`;
  const lines = notes.map(({ name, text }) => `(${quote(name)}, ${quote(text)})`);
  return `insert into ${transferRecords.notes} (name, text) values ${lines.join(', ')}
    on conflict (name) do update set text = excluded.text`;
}

/**
 * Writes by COPY. While a copy is under way the foreign keys are dropped and the triggers disabled: no other way is
 * open to whoever is no superuser, and a check a row would take most of the time. They come back at the end, the
 * foreign keys by one check of all rows each.
 */
export class PostgresTransferTarget implements TransferTarget {
  readonly #client: PostgresTransferClient;
  readonly #run = loadCrypto().randomUUID();

  constructor(client: PostgresTransferClient) {
    this.#client = client;
  }

  async takeOver(): Promise<void> {
    try {
      await this.#client.query(`update ${transferRecords.notes} set text = $1 where name = $2`, [
        this.#run,
        transferRun,
      ]);
    } catch (error) {
      throw error instanceof DatabaseBusyError
        ? new CopyRefusedError(['The server still writes what an earlier run has sent. Try again later.'])
        : error;
    }
  }

  async readNotes(): Promise<ReadonlyMap<string, string>> {
    const [found] = await this.#client.query<{ there: boolean }>(
      `select to_regclass(quote_ident(current_schema()) || '.${transferRecords.notes}') is not null as there`,
    );
    if (found?.there !== true) return new Map();
    const rows = await this.#client.query<{ name: string; text: string }>(
      `select name, text from ${transferRecords.notes}`,
    );
    return new Map(rows.map(({ name, text }) => [name, text]));
  }

  async setAside(tables: readonly TransferTable[], notes: readonly TransferNote[]): Promise<void> {
    await this.#client.transaction(async () => {
      for (const name of Object.values(transferRecords)) {
        await this.#client.query(
          `create table if not exists ${name} (name text collate "C" primary key, text text collate "C" not null)`,
        );
      }
      await this.#client.query(`lock table ${transferRecords.notes} in exclusive mode`);
      if ((await this.readNotes()).size > 0) throw otherRunError();
      const found = await this.#findObstacles(tables.map(({ name }) => name));
      for (const { away } of found) await this.#client.query(away);
      await this.#note([
        ...notes,
        { name: transferRun, text: this.#run },
        { name: aside, text: JSON.stringify(found.map(({ back }) => back)) },
      ]);
    });
  }

  async load(
    { table, columns, rows, notes, quarantine }: TransferLoad,
    before?: Promise<void>,
  ): Promise<void> {
    const kinds = columns.map((name) => table.columns.find((column) => column.name === name)!.kind);
    await before;
    const text = `copy ${quoteName(table.name)} (${quoteNames(columns)}) from stdin`;
    const copy = async (script: string): Promise<void> => {
      if (rows.length === 0) return;
      const copying = this.#client.submit(new CopyIn(script, writeCopyLines(rows, kinds)));
      await this.#client.translating(() => copying.done);
    };
    if (rows.length > 0 && quarantine.length === 0) {
      // Statements that are sent as one text are one transaction, and one round trip.
      await this.#refusing(() => copy(`${this.#check}; ${text}; ${writeNotes(notes)}`));
      return;
    }
    await this.#transaction(async () => {
      await copy(text);
      await this.#note(notes);
      await this.#note(quarantine, transferRecords.quarantine);
    });
  }

  async empty(tables: readonly string[], notes: readonly TransferNote[]): Promise<void> {
    await this.#transaction(async () => {
      if (tables.length > 0) await this.#client.query(`truncate ${quoteNames(tables)}`);
      for (const table of tables) await this.#forgetQuarantined(table);
      await this.#note(notes);
    });
  }

  async takeOrphans(
    table: TransferTable,
    reference: TransferReference,
    note: (row: Readonly<Record<string, TransferCell>>) => TransferNote,
  ): Promise<number> {
    return this.#transaction(async () => {
      const columns = table.columns.map(({ name, kind }) =>
        kind === 'blob' ? quoteName(name) : `${quoteName(name)}::text as ${quoteName(name)}`,
      );
      const lost = `from ${quoteName(table.name)} where ${orphanCondition(table.name, reference)}`;
      // They may be most of the table. All of them are wanted, so the plan is not to be the one for the first few.
      await this.#client.query(
        `set local cursor_tuple_fraction = 1;
         declare liminal_orphans no scroll cursor for select ${columns.join(', ')} ${lost}`,
      );
      const budget = new RowBudget();
      let found = 0;
      for (let isOver = false; !isOver;) {
        const rows = await this.#client.query<Record<string, string | Buffer | null>>(
          `fetch ${budget.rows} from liminal_orphans`,
        );
        await this.#note(rows.map(note), transferRecords.quarantine);
        found += rows.length;
        isOver = rows.length < budget.rows;
        budget.note(rows.map((row) => Object.values(row)));
      }
      await this.#client.query('close liminal_orphans');
      if (found > 0) await this.#client.query(`delete ${lost}`);
      return found;
    });
  }

  async finish(keys: readonly LastKey[]): Promise<void> {
    const notes = await this.readNotes();
    await this.#transaction(async () => {
      // All portions before it reach the disk with this commit.
      await this.#client.query('set local synchronous_commit = on');
      for (const back of JSON.parse(notes.get(aside) ?? '[]') as string[]) await this.#client.query(back);
      await moveSequences(this.#client, keys);
      await this.#client.query(`drop table if exists ${transferRecords.notes}`);
      const [left] = await this.#client.query<{ any: boolean }>(
        `select exists (select from ${transferRecords.quarantine}) as any`,
      );
      if (left?.any !== true) await this.#client.query(`drop table ${transferRecords.quarantine}`);
    });
  }

  close(): Promise<void> {
    return this.#client.close();
  }

  /** Fails where another run has taken over, and keeps others from it until the transaction ends. */
  get #check(): string {
    return `insert into ${transferRecords.notes} (name, text) select '${transferRun}', null where not exists (
      select from ${transferRecords.notes} where name = '${transferRun}' and text = '${this.#run}' for share)`;
  }

  /** Of the notes alone a text is never NULL; and where there are none, another run has come to the end. */
  async #refusing<Result>(work: () => Promise<Result>): Promise<Result> {
    try {
      return await work();
    } catch (error) {
      const isOther = error instanceof NotNullViolationError && error.table === transferRecords.notes;
      const isNoTable = error instanceof QueryError && error.driverCode === noTable;
      throw isOther || (isNoTable && (await this.readNotes()).size === 0) ? otherRunError() : error;
    }
  }

  #transaction<Result>(work: () => Promise<Result>): Promise<Result> {
    return this.#refusing(() =>
      this.#client.transaction(async () => {
        await this.#client.query(this.#check);
        return work();
      }),
    );
  }

  /**
   * What is in the way of rows that come in any order: statements that take it away, and that bring it back. A foreign
   * key of a table that is none of the copied ones would keep those from being emptied.
   */
  #findObstacles(tables: readonly string[]): Promise<readonly { away: string; back: string }[]> {
    return this.#client.query(
      `with tables as (
         select c.oid, quote_ident(c.relname) as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
         where n.nspname = current_schema() and c.relname = any ($1)
       )
       select 1 as place, 'alter table ' || tables.name || ' disable trigger ' || quote_ident(tgname) as away,
         'alter table ' || tables.name || case tgenabled when 'R' then ' enable replica' when 'A' then ' enable always'
           else ' enable' end || ' trigger ' || quote_ident(tgname) as back
       from pg_trigger join tables on tables.oid = tgrelid where not tgisinternal and tgenabled <> 'D' and tgparentid = 0
       union all
       select 2, 'alter table ' || conrelid::regclass || ' drop constraint ' || quote_ident(conname),
         'alter table ' || conrelid::regclass || ' add constraint ' || quote_ident(conname) || ' ' || pg_get_constraintdef(oid)
       from pg_constraint where contype = 'f' and conparentid = 0
         and (conrelid in (select oid from tables) or confrelid in (select oid from tables))
       order by 1, 2`,
      [tables],
    );
  }

  async #forgetQuarantined(table: string): Promise<void> {
    await this.#client.query(`delete from ${transferRecords.quarantine} where starts_with(name, $1)`, [
      `${JSON.stringify(table)} `,
    ]);
  }

  async #note(notes: readonly TransferNote[], table: string = transferRecords.notes): Promise<void> {
    if (notes.length === 0) return;
    await this.#client.query(
      `insert into ${table} (name, text) select * from unnest($1::text[], $2::text[])
       on conflict (name) do update set text = excluded.text`,
      [notes.map(({ name }) => name), notes.map(({ text }) => text)],
    );
  }
}
