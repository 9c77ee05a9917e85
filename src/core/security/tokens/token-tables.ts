import type { ColumnType, Kysely } from 'kysely';

/** The tables of the migration set `token`. */
export interface TokenTables {
  token_families: TokenFamiliesTable;
  refresh_tokens: RefreshTokensTable;
  token_revocations: TokenRevocationsTable;
  token_revocation_counter: TokenRevocationCounterTable;
}

/** Sessions: each is begun by one refresh token, and all that follow from it belong to it. */
interface TokenFamiliesTable {
  id: string;
  subject: string;
  /** What the tokens of the session grant, as JSON. */
  token_grant: string;
  created_at: ColumnType<number, number, never>;
  expires_at: ColumnType<number, number, never>;
  revoked_at: number | null;
  revoked_for: 'reuse' | 'request' | null;
}

interface RefreshTokensTable {
  /** SHA-256 of the token; the token itself is nowhere. */
  hash: string;
  family_id: string;
  created_at: ColumnType<number, number, never>;
  expires_at: ColumnType<number, number, never>;
  used_at: number | null;
  /** The token that follows it, sealed under this one, where it may be asked for again. */
  successor: string | null;
}

interface TokenRevocationsTable {
  /** Grows in the order of the commits. */
  seq: number;
  kind: RevocationKind;
  value: string;
  /** Tokens that were issued later are not meant. */
  issued_until: number;
  /** From when on every token that is meant is past its time. */
  expires_at: number;
}

/** The last number that was given to a revocation. */
interface TokenRevocationCounterTable {
  name: string;
  last_seq: number;
}

/** What a revocation is of: one token, those of a session, or those of a subject. */
export type RevocationKind = 'token' | 'session' | 'subject';

/** The tables by a handle of the application's. Its plugins stay outside: one that renames columns would hide them. */
export function tokenTablesOf(handle: object): Kysely<TokenTables> {
  const db = handle as Kysely<TokenTables>;
  return db.getExecutor().plugins.length === 0 ? db : db.withoutPlugins();
}
