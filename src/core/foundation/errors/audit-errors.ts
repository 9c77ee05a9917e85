import { LiminalDataError } from './liminal-data-error.ts';

/** A legal hold keeps what was to be purged or erased. */
export class LegalHoldError extends LiminalDataError {
  static override readonly description = {
    code: 'LIMINAL_LEGAL_HOLD',
    retryable: false,
    when: 'A purge or an erasure of the audit trail would take entries that a legal hold keeps.',
    remedy:
      'Release the holds that `holds` names once they may end, or purge around them with `held: "keep"`. An erasure waits for their end.',
  } as const;

  /** The ids of the holds. */
  readonly holds: readonly string[];

  constructor(work: 'purge' | 'erasure', holds: readonly string[]) {
    super(
      `The ${work} would take entries of the audit trail that ${holds.length === 1 ? 'the legal hold' : 'the legal holds'} ${holds.join(', ')} ${holds.length === 1 ? 'keeps' : 'keep'}, so it was refused. Release what may end, or leave it out.`,
    );
    this.holds = holds;
  }
}

/** An entry of the audit trail is not what was recorded. */
export class AuditTamperedError extends LiminalDataError {
  static override readonly description = {
    code: 'LIMINAL_AUDIT_TAMPERED',
    retryable: false,
    when: 'A purge or an erasure of the audit trail met an entry that was changed, moved or erased past the library. It takes no evidence away.',
    remedy: 'Run `liminal-data audit verify`, keep a copy of the database, and find out who wrote to it.',
  } as const;

  /** The chain of the entry. */
  readonly stream: string;
  /** The place of the entry in it. */
  readonly seq: number;

  constructor(stream: string, seq: number) {
    super(
      `The entry ${seq} of the audit stream "${stream}" is not what was recorded, so it was neither purged nor erased. Run \`liminal-data audit verify\` and keep a copy of the database.`,
    );
    this.stream = stream;
    this.seq = seq;
  }
}
