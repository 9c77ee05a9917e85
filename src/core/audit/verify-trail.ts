import type { Kysely } from 'kysely';
import type { MacKeys } from '../foundation/mac-keys.ts';
import { checkAnchors, type AnchoredHead, type AuditAnchor } from './anchor.ts';
import type { AuditProvider } from './audit-provider.ts';
import { auditTablesOf, type AuditTables } from './audit-tables.ts';
import type { ChainRow } from './chain-row.ts';
import { ChainWalk } from './chain-walk.ts';
import { eraseAction, Erasures } from './erasures.ts';
import { examineRow } from './examine-row.ts';
import { nameFault } from './name-fault.ts';
import { isSealedGenuine, linkOf, readSealedRows, type SealedRow } from './sealed-row.ts';
import type { AuditFault, AuditVerification } from './verify-report.ts';

/** How a trail is verified. */
export interface VerifyOptions {
  /** What `anchor` gave and was kept outside of the database, in any order. None by default. */
  readonly anchors?: readonly AuditAnchor[] | undefined;
  /** Ends it early. */
  readonly signal?: AbortSignal | undefined;
  /** Hears from time to time how many rows were read. */
  readonly onProgress?: ((rows: number) => void) | undefined;
}

const pageSize = 1_024;
/** How many rows behind a fault are looked at to name it. */
const mostRowsBehind = 1_000;

/**
 * Reads the whole trail in one snapshot and finds what was changed in it since it was written.
 *
 * @param keys every key that wrote it
 * @throws ValidationError where an anchor is forged; the reason of the signal; the errors of any statement
 */
export async function verifyTrail(
  provider: AuditProvider,
  keys: MacKeys,
  options: VerifyOptions = {},
): Promise<AuditVerification> {
  const { anchors = [], signal, onProgress } = options;
  const anchored = checkAnchors(keys, anchors);
  return provider.transaction(
    async (tx) => new TrailWalk(auditTablesOf(tx), keys, anchored, signal, onProgress).walk(),
    { readOnly: true, isolation: 'repeatable read', signal },
  );
}

class TrailWalk {
  readonly #db: Kysely<AuditTables>;
  readonly #keys: MacKeys;
  readonly #anchored: ReadonlyMap<string, readonly AnchoredHead[]>;
  readonly #signal: AbortSignal | undefined;
  readonly #onProgress: ((rows: number) => void) | undefined;
  readonly #walks = new Map<string, ChainWalk>();
  readonly #erasures = new Erasures();

  constructor(
    db: Kysely<AuditTables>,
    keys: MacKeys,
    anchored: ReadonlyMap<string, readonly AnchoredHead[]>,
    signal: AbortSignal | undefined,
    onProgress: ((rows: number) => void) | undefined,
  ) {
    this.#db = db;
    this.#keys = keys;
    this.#anchored = anchored;
    this.#signal = signal;
    this.#onProgress = onProgress;
  }

  async walk(): Promise<AuditVerification> {
    await this.#findChains();
    let rows = 0;
    let walk: ChainWalk | undefined;
    let isBroken = false;
    for await (const page of this.#pages()) {
      for (const row of page) {
        if (walk?.stream !== row.stream) {
          if (!isBroken) walk?.end();
          walk = this.#walkOf(row.stream);
          isBroken = false;
        }
        const link = linkOf(row) ?? (await this.#readRow(row));
        walk.count(link, row.content_bytes === null);
        // Its action stands there, whatever else does.
        if (row.sealed.includes(eraseAction)) this.#erasures.read(this.#keys, await this.#readRow(row));
        if (isBroken) continue;
        if (walk.isNext(link) && (isSealedGenuine(this.#keys, row) || (await this.#isGenuine(row)))) {
          walk.follow(link);
          continue;
        }
        isBroken = true;
        walk.note(await this.#name(walk, await this.#readRow(row)));
      }
      rows += page.length;
      this.#onProgress?.(rows);
    }
    if (!isBroken) walk?.end();
    return this.#report(rows);
  }

  /** Also those of which no row is left. */
  async #findChains(): Promise<void> {
    const segments = await this.#db
      .selectFrom('audit_segments')
      .selectAll()
      .orderBy('stream')
      .orderBy('from_seq')
      .execute();
    for (const [stream, list] of Map.groupBy(segments, (segment) => segment.stream)) {
      const anchors = this.#anchored.get(stream) ?? [];
      this.#walks.set(stream, new ChainWalk(this.#keys, { stream, segments: list, anchors }));
    }
    for (const stream of this.#anchored.keys()) this.#walkOf(stream);
  }

  #walkOf(stream: string): ChainWalk {
    const known = this.#walks.get(stream);
    if (known !== undefined) return known;
    const anchors = this.#anchored.get(stream) ?? [];
    const walk = new ChainWalk(this.#keys, { stream, segments: [], anchors });
    this.#walks.set(stream, walk);
    return walk;
  }

  /** The next page is on its way while one is looked at. */
  async *#pages(): AsyncGenerator<readonly SealedRow[]> {
    let next: Promise<readonly SealedRow[]> | undefined = this.#readPage(undefined);
    try {
      while (next !== undefined) {
        this.#signal?.throwIfAborted();
        const page: readonly SealedRow[] = await next;
        next = page.length < pageSize ? undefined : this.#readPage(page.at(-1));
        yield page;
      }
    } finally {
      await next?.catch(() => {});
    }
  }

  #readPage(behind: SealedRow | undefined): Promise<readonly SealedRow[]> {
    const page = readSealedRows(this.#db, behind, pageSize);
    // It may fail before anybody waits for it.
    page.catch(() => {});
    return page;
  }

  /** A row with all its columns. */
  #readRow({ stream, seq }: SealedRow): Promise<ChainRow> {
    return this.#db
      .selectFrom('audit_logs')
      .selectAll()
      .where('stream', '=', stream)
      .where('seq', '=', seq)
      .executeTakeFirstOrThrow();
  }

  /** By all its columns. */
  async #isGenuine(row: SealedRow): Promise<boolean> {
    return examineRow(this.#keys, await this.#readRow(row)) === 'genuine';
  }

  async #name(walk: ChainWalk, first: ChainRow) {
    const rows = await this.#db
      .selectFrom('audit_logs')
      .selectAll()
      .where('stream', '=', walk.stream)
      .where('seq', '>', first.seq)
      .orderBy('seq')
      .limit(mostRowsBehind)
      .execute();
    const { head } = walk;
    return nameFault({
      keys: this.#keys,
      head,
      rows: [first, ...rows],
      isWhole: rows.length < mostRowsBehind,
      isEarlierHash: async (hash) => {
        const found = await this.#db
          .selectFrom('audit_logs')
          .select('seq')
          .where('stream', '=', walk.stream)
          .where('seq', '<', head.seq)
          .where('hash', '=', hash)
          .limit(1)
          .executeTakeFirst();
        return found !== undefined;
      },
    });
  }

  #report(rows: number): AuditVerification {
    let anchored = 0;
    for (const heads of this.#anchored.values()) anchored += heads.length;
    const streams = [...this.#walks.values()]
      .map((walk) => {
        const report = walk.report();
        if (report.rows === 0) walk.end();
        const unexplained = this.#erasures.findUnexplained(walk.stream, walk.erased);
        if (unexplained !== undefined) walk.note(erasedFault(unexplained));
        return walk.report();
      })
      .toSorted((one, other) => (one.stream < other.stream ? -1 : 1));
    return { isSound: streams.every(({ fault }) => fault === undefined), rows, anchored, streams };
  }
}

function erasedFault({ seq, isNamed }: { readonly seq: number; readonly isNamed: boolean }): AuditFault {
  return isNamed
    ? { seq, kind: 'edited', message: `At ${seq} the row is not the one whose content was erased.` }
    : { seq, kind: 'erased', message: `At ${seq} the content is gone, and no audit.erase event says why.` };
}
