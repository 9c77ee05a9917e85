import { sql, type Kysely } from 'kysely';
import { isPlainObject } from '../config/plain-object.ts';
import { UnknownKeyError } from '../foundation/errors/security-errors.ts';
import { ValidationError } from '../foundation/errors/validation-error.ts';
import type { Issue } from '../foundation/issue.ts';
import type { MacKeys } from '../foundation/mac-keys.ts';
import type { AuditTables } from './audit-tables.ts';

/** How far a chain had come. */
export interface AnchoredHead {
  /** Which chain. */
  readonly stream: string;
  /** The place of its last row. */
  readonly seq: number;
  /** The hash of that row, in hex. */
  readonly hash: string;
}

/**
 * Signed heads of all chains at one moment. Kept where whoever can change the database cannot, it proves what was
 * there: without one, nobody can tell that the end of a chain was cut off, or that an old backup was restored.
 */
export interface AuditAnchor {
  /** The form of the anchor. */
  readonly version: 1;
  /** When it was made, in ms since the Unix epoch, by the clock of who made it. */
  readonly at: number;
  /** One a chain, by its name. */
  readonly heads: readonly AnchoredHead[];
  /** The key of the signature. */
  readonly keyId: string;
  /** HMAC-SHA-256 of the rest, in hex. */
  readonly signature: string;
}

/** Reads the heads of all chains, in one statement. */
export async function readHeads(db: Kysely<AuditTables>): Promise<AnchoredHead[]> {
  // It walks from chain to chain along the primary key: DISTINCT would read every row.
  const { rows } = await sql<AnchoredHead>`
    with recursive streams (stream) as (
      select min(stream) from audit_logs
      union all
      select (select min(l.stream) from audit_logs l where l.stream > s.stream) from streams s
      where s.stream is not null
    )
    select h.stream, h.seq, h.hash from streams s
    join audit_logs h on h.stream = s.stream
      and h.seq = (select max(m.seq) from audit_logs m where m.stream = s.stream)
    order by h.stream`.execute(db);
  return rows.map(({ stream, seq, hash }) => ({ stream, seq, hash }));
}

/** Signs heads. */
export function signAnchor(keys: MacKeys, at: number, heads: readonly AnchoredHead[]): AuditAnchor {
  const keyId = keys.activeId;
  return { version: 1, at, heads, keyId, signature: signatureOf(keys, at, heads, keyId) };
}

function signatureOf(keys: MacKeys, at: number, heads: readonly AnchoredHead[], keyId: string): string {
  const list = heads.map(({ stream, seq, hash }) => [stream, seq, hash]);
  return keys.mac('audit anchor', JSON.stringify([1, at, list]), keyId);
}

/**
 * Checks anchors that come from outside.
 *
 * @param anchors what was kept, in any order
 * @returns the heads of each chain, in the order of their places
 * @throws ValidationError that names each one that is no anchor, or whose signature is not one of these keys
 */
export function checkAnchors(keys: MacKeys, anchors: readonly unknown[]): Map<string, AnchoredHead[]> {
  const issues: Issue[] = [];
  const heads = new Map<string, AnchoredHead[]>();
  for (const [index, anchor] of anchors.entries()) {
    const message = findFault(keys, anchor);
    if (message !== undefined) {
      issues.push({ path: [index], message });
      continue;
    }
    for (const head of (anchor as AuditAnchor).heads) {
      const known = heads.get(head.stream);
      if (known === undefined) heads.set(head.stream, [head]);
      else known.push(head);
    }
  }
  if (issues.length > 0) throw new ValidationError(issues);
  for (const list of heads.values()) list.sort((one, other) => one.seq - other.seq);
  return heads;
}

function findFault(keys: MacKeys, anchor: unknown): string | undefined {
  if (!isAnchor(anchor)) return 'is no anchor of an audit trail';
  try {
    const right = signatureOf(keys, anchor.at, anchor.heads, anchor.keyId);
    return right === anchor.signature ? undefined : 'is forged: its signature is not that of its key';
  } catch (error) {
    if (!(error instanceof UnknownKeyError)) throw error;
    const key = error.keyId === undefined ? 'a key' : `the key ${error.keyId}`;
    return `is signed by ${key}, which is not among the keys given`;
  }
}

function isAnchor(value: unknown): value is AuditAnchor {
  if (!isPlainObject(value) || value['version'] !== 1 || !Array.isArray(value['heads'])) return false;
  return (
    typeof value['at'] === 'number' &&
    typeof value['keyId'] === 'string' &&
    typeof value['signature'] === 'string' &&
    value['heads'].every(isHead)
  );
}

function isHead(value: unknown): value is AnchoredHead {
  if (!isPlainObject(value)) return false;
  const { stream, seq, hash } = value;
  return typeof stream === 'string' && Number.isSafeInteger(seq) && typeof hash === 'string';
}
