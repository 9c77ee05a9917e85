import type { Kysely } from 'kysely';
import type { TransferTraits } from '../engine/transfer-traits.ts';
import { CopyRefusedError } from '../foundation/errors/copy-errors.ts';
import type { DatabaseProvider } from '../provider/database-provider.ts';
import { transferOf } from '../provider/transfer.ts';

/** One side of a copy, whatever its tables are; every `DatabaseProvider` fits. */
export interface CopyProvider {
  /** The root handle. */
  readonly db: object;
  /** The engine's type, for messages. */
  readonly type: string;
  /** Runs work in one transaction. */
  transaction<Result>(
    work: (tx: object) => Promise<Result>,
    options?: Parameters<DatabaseProvider<unknown>['transaction']>[1],
  ): Promise<Result>;
}

/** Tables that nobody has typed. */
export type AnyTables = Record<string, Record<string, unknown>>;

/** One side of a copy with what its engine can. */
export interface CopySide {
  readonly provider: CopyProvider;
  readonly db: Kysely<AnyTables>;
  readonly traits: TransferTraits;
}

/** @throws CopyRefusedError where the engine copies no databases */
export function sideOf(provider: CopyProvider): CopySide {
  const traits = transferOf(provider);
  if (traits === undefined) {
    throw new CopyRefusedError([
      `The engine ${provider.type} cannot copy databases: it has no transfer traits.`,
    ]);
  }
  return { provider, db: provider.db as Kysely<AnyTables>, traits };
}
