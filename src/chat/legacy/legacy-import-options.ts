import type { KeyRing } from '../../core/security/index.ts';
import type { LegacyProof } from './proof/prove-import.ts';
import type { LegacyNoteCounts } from './read-quarantine.ts';

/** What is imported, and how. */
export interface LegacyImportOptions {
  /** The files of the legacy databases, at most nine. They are read, and never written. */
  readonly sources: readonly string[];
  /**
   * The folder for the snapshots; it is made for its owner alone, and removed at the end. An import that begins removes the
   * snapshots that lie there, so that no two imports may share one.
   */
  readonly stateFolder: string;
  /** The key of the legacy application, 32 bytes, weak ones too; without it API keys go to quarantine. */
  readonly legacyKey?: Uint8Array | undefined;
  /** Whether API keys may go to quarantine for want of a key that opens any of them. False by default. */
  readonly withoutKeys?: boolean;
  /** The keys that seal secrets anew; needed where there are any. */
  readonly encryption?: KeyRing | undefined;
  /**
   * Whether the target may hold rows of the chat already. False by default. Said where an import begins, it holds for its
   * next runs.
   */
  readonly intoExisting?: boolean;
  /** The most messages of one transaction; from 1, 10,000 by default. Fewer where their texts are long. */
  readonly batchSize?: number;
  /** Hears behind each transaction how far it is. */
  readonly onProgress?: (progress: LegacyImportProgress) => void;
}

/** How far an import is. */
export interface LegacyImportProgress {
  /** `import`: records come in. `proof`: both sides are read again. */
  readonly stage: 'import' | 'proof';
  /** Users and threads that are done. */
  readonly done: number;
  /** Users and threads in all. */
  readonly total: number;
  /** Messages that this run has stored. */
  readonly messages: number;
}

/** What an import has come to. */
export interface LegacyImportReport {
  /** Whether an earlier run had begun it, or ended it. */
  readonly isResumed: boolean;
  /** Messages that this run has stored. */
  readonly messages: number;
  /** How long that took, in ms. */
  readonly duration: number;
  /** What was not taken just as it was. */
  readonly quarantine: LegacyNoteCounts;
  /** Both sides, read again. Where `differences` is not 0, the import is no success. */
  readonly proof: LegacyProof;
}
