/** What the tests of audited repositories share: accounts, whose notes and their marks go with them. */
import {
  AuditLog,
  audited,
  type AuditedOptions,
  type AuditLogOptions,
  type FieldChange,
} from '../../../src/core/audit/index.ts';
import type { AuditTables } from '../../../src/core/audit/audit-tables.ts';
import {
  Repository,
  UnitOfWork,
  type DatabaseProvider,
  type ProviderOptions,
  type RepositoryProvider,
  type Secret,
} from '../../../src/core/index.ts';
import { defineEncryption, encrypted, encryptMapper, RowCipher } from '../../../src/core/security/index.ts';
import { auditKeys, openAuditDatabase } from './audit-fixture.ts';

interface AccountsTable {
  id: string;
  /** Unique. */
  name: string;
  /** Masked. */
  pin: string | null;
  /** Encrypted, with a blind index. */
  card: string | null;
  card_index: string | null;
  data: string | null;
  bytes: Uint8Array | null;
  weight: number | null;
  /** Statements of one's own move it, and leave the version. */
  seen: number;
  /** Ignored. */
  updated_at: number;
  created_at: number;
  version: number;
}

interface NotesTable {
  id: string;
  account_id: string;
  /** Unique within the account. */
  place: number;
  text: string | null;
}

interface MarksTable {
  note_id: string;
  label: string;
  color: string | null;
}

export interface AuditedTables extends AuditTables {
  accounts: AccountsTable;
  notes: NotesTable;
  marks: MarksTable;
}

export interface Account extends Readonly<Omit<AccountsTable, 'card' | 'card_index'>> {
  readonly card: Secret | null;
}
export type Note = Readonly<NotesTable>;
export type Mark = Readonly<MarksTable>;

export type Accounts = Repository<AuditedTables, 'accounts', Account, { data: unknown }>;
export type Notes = Repository<AuditedTables, 'notes', Note>;
export type Marks = Repository<AuditedTables, 'marks', Mark, unknown, 'note_id' | 'label'>;

const accountEncryption = defineEncryption({
  table: 'accounts',
  key: 'id',
  columns: { card: encrypted({ index: 'card_index' }) },
});

export function accountsOf(provider: RepositoryProvider<AuditedTables>): Accounts {
  return new Repository<AuditedTables, 'accounts', Account, { data: unknown }>(provider, {
    table: 'accounts',
    key: 'id',
    version: 'version',
    insertOnly: ['created_at'],
    growing: ['updated_at'],
    columns: {
      id: 'uuid',
      name: 'text',
      pin: 'text?',
      card: 'text?',
      card_index: 'text?',
      data: 'json?',
      bytes: 'blob?',
      weight: 'real?',
      seen: 'integer',
      updated_at: 'integer',
      created_at: 'integer',
      version: 'integer',
    },
    mapper: encryptMapper<AccountsTable, (typeof accountEncryption)['columns'], Account>(
      {
        fromRow: ({ card_index: _, ...row }) => row,
        toRow: (account) => ({ ...account }),
      },
      new RowCipher(accountEncryption, auditKeys('cards')),
    ),
  });
}

export function notesOf(provider: RepositoryProvider<AuditedTables>): Notes {
  return new Repository<AuditedTables, 'notes', Note>(provider, {
    table: 'notes',
    key: 'id',
    columns: { id: 'uuid', account_id: 'uuid', place: 'integer', text: 'text?' },
    mapper: { fromRow: (row) => ({ ...row }), toRow: (note) => note },
  });
}

function marksOf(provider: RepositoryProvider<AuditedTables>): Marks {
  return new Repository<AuditedTables, 'marks', Mark, unknown, 'note_id' | 'label'>(provider, {
    table: 'marks',
    key: ['note_id', 'label'],
    columns: { note_id: 'uuid', label: 'text', color: 'text?' },
    mapper: { fromRow: (row) => ({ ...row }), toRow: (mark) => mark },
  });
}

/** The options of the three tables. */
export function auditOf(log: AuditLog, provider: RepositoryProvider<AuditedTables>) {
  const marks = { entity: 'mark' } as const;
  const notes = {
    entity: 'note',
    cascades: [{ ...marks, of: marksOf(provider), column: 'note_id' }],
  } as const;
  const accounts = {
    entity: 'account',
    mask: ['pin'],
    ignore: ['updated_at'],
    cascades: [{ ...notes, of: notesOf(provider), column: 'account_id' }],
  } as const;
  return {
    accounts: { log, ...accounts } satisfies AuditedOptions,
    notes: { log, ...notes } satisfies AuditedOptions,
    marks: { log, ...marks } satisfies AuditedOptions,
  };
}

export interface AuditedDatabase {
  readonly provider: DatabaseProvider<AuditedTables>;
  readonly log: AuditLog;
  readonly audit: ReturnType<typeof auditOf>;
  readonly accounts: Accounts;
  readonly notes: Notes;
  readonly marks: Marks;
  readonly unitOfWork: UnitOfWork<
    AuditedTables,
    { readonly accounts: Accounts; readonly notes: Notes; readonly marks: Marks }
  >;
}

export async function openAudited(
  url: string,
  options: ProviderOptions<AuditedTables> & Partial<AuditLogOptions> = {},
): Promise<AuditedDatabase> {
  const { requireActor = false, ...providerOptions } = options;
  const provider = (await openAuditDatabase(
    url,
    providerOptions,
  )) as unknown as DatabaseProvider<AuditedTables>;
  await createTables(provider);
  const log = new AuditLog(provider, { keys: auditKeys(), stream: () => 'all', requireActor });
  const audit = auditOf(log, provider);
  return {
    provider,
    log,
    audit,
    accounts: audited(accountsOf(provider), audit.accounts),
    notes: audited(notesOf(provider), audit.notes),
    marks: audited(marksOf(provider), audit.marks),
    unitOfWork: new UnitOfWork(provider, {
      repositories: {
        accounts: (unit) => audited(accountsOf(unit), audit.accounts),
        notes: (unit) => audited(notesOf(unit), audit.notes),
        marks: (unit) => audited(marksOf(unit), audit.marks),
      },
    }),
  };
}

async function createTables({ db, migrations }: DatabaseProvider<AuditedTables>): Promise<void> {
  const accounts = migrations.columns.table('accounts');
  await db.schema
    .createTable('accounts')
    .addColumn('id', accounts.uuid('id'), (column) => column.primaryKey().notNull())
    .addColumn('name', accounts.text('name'), (column) => column.notNull().unique())
    .addColumn('pin', accounts.text('pin'))
    .addColumn('card', accounts.text('card'))
    .addColumn('card_index', accounts.text('card_index'))
    .addColumn('data', accounts.json('data'))
    .addColumn('bytes', accounts.blob('bytes'))
    .addColumn('weight', accounts.real('weight'))
    .addColumn('seen', accounts.integer('seen'), (column) => column.notNull())
    .addColumn('updated_at', accounts.epochMillis('updated_at'), (column) => column.notNull())
    .addColumn('created_at', accounts.epochMillis('created_at'), (column) => column.notNull())
    .addColumn('version', accounts.counter('version', 1), (column) => column.notNull())
    .modifyEnd(accounts.end)
    .execute();
  const notes = migrations.columns.table('notes');
  await db.schema
    .createTable('notes')
    .addColumn('id', notes.uuid('id'), (column) => column.primaryKey().notNull())
    .addColumn('account_id', notes.uuid('account_id'), (column) =>
      column.notNull().references('accounts.id').onDelete('cascade'),
    )
    .addColumn('place', notes.integer('place'), (column) => column.notNull())
    .addColumn('text', notes.text('text'))
    .addUniqueConstraint('notes_place', ['account_id', 'place'])
    .modifyEnd(notes.end)
    .execute();
  const marks = migrations.columns.table('marks');
  await db.schema
    .createTable('marks')
    .addColumn('note_id', marks.uuid('note_id'), (column) =>
      column.notNull().references('notes.id').onDelete('cascade'),
    )
    .addColumn('label', marks.text('label'), (column) => column.notNull())
    .addColumn('color', marks.text('color'))
    .addPrimaryKeyConstraint('marks_key', ['note_id', 'label'])
    .modifyEnd(marks.end)
    .execute();
}

/** An account with given fields and plain others. */
export function makeAccount(fields: Partial<Account> = {}): Account {
  const id = fields.id ?? crypto.randomUUID();
  return {
    id,
    name: `account ${id}`,
    pin: null,
    card: null,
    data: null,
    bytes: null,
    weight: null,
    seen: 0,
    updated_at: 1_700_000_000_000,
    created_at: 1_700_000_000_000,
    version: 1,
    ...fields,
  };
}

/** An event as a test expects it. */
export interface ToldEvent {
  readonly action: string;
  readonly entity: string;
  readonly changes: readonly FieldChange[];
  readonly cascade: unknown;
}

/** What was recorded behind a place of the chain, in its order; JSON columns by their values. */
export async function readTold(
  { provider }: Pick<AuditedDatabase, 'provider'>,
  behind = 0,
): Promise<{ readonly events: ToldEvent[]; readonly last: number }> {
  const rows = await provider.db
    .selectFrom('audit_logs')
    .selectAll()
    .where('seq', '>', behind)
    .orderBy('seq')
    .execute();
  const events = rows.map(({ action, entity_type, entity_id, content }): ToldEvent => {
    const { changes, metadata } = JSON.parse(content!) as {
      readonly changes: FieldChange[];
      readonly metadata?: { readonly cascade: unknown };
    };
    return { action, entity: `${entity_type} ${entity_id}`, changes, cascade: metadata?.cascade };
  });
  return { events, last: Number(rows.at(-1)?.seq ?? behind) };
}
