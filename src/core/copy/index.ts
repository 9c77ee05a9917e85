// The runtime check comes first: an old Node must hear of it before a driver crashes in it.
import '../foundation/runtime.ts';
export type { BadRow, BadRowReason } from './bad-row.ts';
export { copyDatabase } from './copy-database.ts';
export type { CopiedTableReport, CopyOptions, CopyProgress, CopyReport, CopyStage } from './copy-options.ts';
export type { CopyProvider } from './copy-provider.ts';
export type { TableDigest } from './table-digest.ts';
export {
  verifyCopy,
  type CopyVerification,
  type TableVerification,
  type VerifyCopyOptions,
} from './verify-copy.ts';
