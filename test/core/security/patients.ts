/** A table with encrypted columns, one of them searched by a blind index. */
import { randomBytes } from 'node:crypto';
import type { DatabaseConfigInput } from '../../../src/core/config/database-config-input.ts';
import { DatabaseProviderFactory } from '../../../src/core/provider/database-provider-factory.ts';
import type { DatabaseProvider } from '../../../src/core/provider/database-provider.ts';
import { Repository } from '../../../src/core/repository/repository.ts';
import { Secret } from '../../../src/core/foundation/secret.ts';
import {
  defineEncryption,
  encrypted,
  encryptMapper,
  KeyRing,
  RowCipher,
} from '../../../src/core/security/index.ts';

export interface PatientsTable {
  id: string;
  clinic: string;
  number: number;
  email: string;
  email_index: string;
  notes: string | null;
  version: number;
}

export interface PatientTables {
  patients: PatientsTable;
}

export interface Patient {
  readonly id: string;
  readonly clinic: string;
  readonly number: number;
  readonly email: Secret;
  readonly notes: Secret | null;
  readonly version: number;
}

const columns = {
  email: encrypted({ index: 'email_index', normalize: (text) => text.trim().toLowerCase() }),
  notes: encrypted(),
};

export const byId = defineEncryption({ table: 'patients', key: 'id', columns });
export const byNumber = defineEncryption({
  table: 'patients',
  key: 'id',
  row: ['clinic', 'number'],
  columns,
});

export type PatientRepository = Repository<PatientTables, 'patients', Patient>;

/** A repository, and the cipher by which it seals. */
export function patientsOf(
  provider: DatabaseProvider<PatientTables>,
  ring: KeyRing,
  encryption: typeof byId = byId,
): { readonly patients: PatientRepository; readonly cipher: RowCipher<typeof columns> } {
  const cipher = new RowCipher(encryption, ring);
  const patients = new Repository<PatientTables, 'patients', Patient>(provider, {
    table: 'patients',
    key: 'id',
    version: 'version',
    insertOnly: encryption.row.filter((name) => name !== 'id') as ('clinic' | 'number')[],
    columns: {
      id: 'uuid',
      clinic: 'text',
      number: 'integer',
      email: 'text',
      email_index: 'text',
      notes: 'text?',
      version: 'integer',
    },
    mapper: encryptMapper<PatientsTable, typeof columns, Patient>(
      {
        fromRow: ({ email_index: _, ...patient }) => Object.freeze(patient),
        toRow: ({ id, clinic, number, email, notes, version }) => ({
          id,
          clinic,
          number,
          email,
          notes,
          version,
        }),
      },
      cipher,
    ),
  });
  return { patients, cipher };
}

/** Opens a database, with its table where it is new. */
export async function openPatients(url: DatabaseConfigInput): Promise<DatabaseProvider<PatientTables>> {
  const provider = DatabaseProviderFactory.createProvider<PatientTables>(url);
  const t = provider.migrations.columns.table('patients');
  await provider.db.schema
    .createTable('patients')
    .ifNotExists()
    .addColumn('id', t.uuid('id'), (column) => column.primaryKey().notNull())
    .addColumn('clinic', t.text('clinic'), (column) => column.notNull())
    .addColumn('number', t.integer('number'), (column) => column.notNull())
    .addColumn('email', t.text('email'), (column) => column.notNull())
    .addColumn('email_index', t.text('email_index'), (column) => column.notNull())
    .addColumn('notes', t.text('notes'))
    .addColumn('version', t.counter('version', 1), (column) => column.notNull())
    .addUniqueConstraint('patients_number', ['clinic', 'number'])
    .modifyEnd(t.end)
    .execute();
  return provider;
}

let count = 0;

export function makePatient(fields: Partial<Patient> = {}): Patient {
  count += 1;
  return {
    id: crypto.randomUUID(),
    clinic: 'north',
    number: count,
    email: new Secret(`patient-${count}@example.org`),
    notes: null,
    version: 1,
    ...fields,
  };
}

export function makeRing(...ids: readonly string[]): KeyRing {
  return KeyRing.of(ids.map((id) => ({ id, key: randomBytes(32) })));
}

/** What a patient is once it is revealed, for comparing. */
export function revealed(patient: Patient | undefined): object | undefined {
  if (patient === undefined) return undefined;
  return { ...patient, email: patient.email.reveal(), notes: patient.notes?.reveal() ?? null };
}
