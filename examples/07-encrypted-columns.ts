/**
 * Encrypted columns: the table holds ciphertexts, a blind index finds them, and another key takes over while every
 * row stays readable.
 * `DATABASE_URL=postgres://… node examples/07-encrypted-columns.ts` does the same on PostgreSQL.
 */
import {
  DatabaseProviderFactory,
  KeyInUseError,
  Repository,
  Secret,
  databaseConfigFromEnv,
} from 'liminal-data';
import { Migrator, defineMigrationSet } from 'liminal-data/migrate';
import {
  KeyRing,
  RowCipher,
  defineEncryption,
  encryptMapper,
  encrypted,
  generateKey,
  keyStatus,
  retireKey,
  rotateKeys,
} from 'liminal-data/security';

interface PatientsTable {
  id: string;
  email: string;
  email_index: string;
}

interface Patient {
  readonly id: string;
  readonly email: Secret;
}

const history = defineMigrationSet({
  name: 'clinic',
  migrations: [
    {
      name: '0001-patients',
      async up(db, t) {
        await t.createTable(db, 'patients', (c) => ({ id: c.id(), email: c.text(), email_index: c.text() }), {
          indexes: [['email_index']],
        });
      },
      async down(db) {
        await db.schema.dropTable('patients').execute();
      },
    },
  ],
});

const patientsEncryption = defineEncryption({
  table: 'patients',
  key: 'id',
  columns: { email: encrypted({ index: 'email_index', normalize: (text) => text.toLowerCase() }) },
});

const provider = DatabaseProviderFactory.createProvider<{ patients: PatientsTable }>(databaseConfigFromEnv());
await new Migrator(provider, history).latest();

function openPatients(ring: KeyRing) {
  const cipher = new RowCipher(patientsEncryption, ring);
  const patients = new Repository<{ patients: PatientsTable }, 'patients', Patient>(provider, {
    table: 'patients',
    key: 'id',
    columns: { id: 'uuid', email: 'text', email_index: 'text' },
    mapper: encryptMapper<PatientsTable, (typeof patientsEncryption)['columns'], Patient>(
      { fromRow: ({ id, email }) => ({ id, email }), toRow: (patient) => patient },
      cipher,
    ),
  });
  return {
    patients,
    findByEmail: (email: string) => patients.findFirst(cipher.equals('email', email)),
  };
}

// An application takes them from the environment: KeyRing.fromEnv().
const before = KeyRing.of([{ id: 'old', key: generateKey().key }]);
const { patients } = openPatients(before);
await patients.insert({ id: crypto.randomUUID(), email: new Secret('Ada@example.org') });

const [row] = await provider.db.selectFrom('patients').select('email').execute();
console.log('in the table:', row?.email.slice(0, 14));

const ring = before.withActive({ id: 'new', key: generateKey().key });
const ada = await openPatients(ring).findByEmail('ada@example.org');
console.log('found:', ada?.email.reveal(), JSON.stringify(ada?.email));

const tables = [patientsEncryption];
await retireKey(provider, { ring, tables, keyId: 'old' }).catch((error: unknown) =>
  console.log(error instanceof KeyInUseError ? 'the old key is in use' : error),
);
await rotateKeys(provider, { ring, tables });
console.log((await keyStatus(provider, { ring, tables })).keys);

const after = await retireKey(provider, { ring, tables, keyId: 'old' });
const again = await openPatients(after).findByEmail('ADA@example.org');
console.log('by the new key alone:', again?.email.reveal());
await provider.close();
