/** What encrypted columns must refuse when they are compiled. Each line below a directive must be an error. */
import type { Secret } from '../../src/core/index.ts';
import {
  defineEncryption,
  encrypted,
  encryptMapper,
  type KeyRing,
  RowCipher,
} from '../../src/core/security/index.ts';

interface UsersTable {
  id: string;
  email: string;
  email_index: string;
  notes: string | null;
}

interface User {
  readonly id: string;
  readonly email: Secret;
  readonly notes: Secret | null;
}

declare const ring: KeyRing;
declare const plain: string;
const encryption = defineEncryption({
  table: 'users',
  key: 'id',
  columns: { email: encrypted({ index: 'email_index' }), notes: encrypted() },
});
const cipher = new RowCipher(encryption, ring);

encryptMapper<UsersTable, (typeof encryption)['columns'], User>(
  { fromRow: ({ id, email, notes }) => ({ id, email, notes }), toRow: (user) => user },
  cipher,
);

encryptMapper<UsersTable, (typeof encryption)['columns'], User>(
  {
    fromRow: ({ id, email, notes }) => ({ id, email, notes }),
    // @ts-expect-error a plaintext goes in as a Secret
    toRow: (user) => ({ ...user, email: plain }),
  },
  cipher,
);

encryptMapper<UsersTable, (typeof encryption)['columns'], User>(
  {
    // @ts-expect-error NULL comes out where the column may be NULL
    fromRow: ({ id, email, notes }): { id: string; email: Secret; notes: Secret } => ({ id, email, notes }),
    toRow: (user) => user,
  },
  cipher,
);

cipher.equals('email', plain).email_index.in.includes(plain);
// @ts-expect-error an encrypted column that was declared, and no other one
cipher.equals('id', plain);
// @ts-expect-error the filter is on the index
cipher.equals('email', plain).email.in.includes(plain);
