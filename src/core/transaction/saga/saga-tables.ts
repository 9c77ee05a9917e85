import type { Kysely, Transaction } from 'kysely';

/** How a saga stands. `completed`, `compensated` and `resolved` are final; `stuck` waits for a person. */
export type SagaStatus = 'running' | 'compensating' | 'completed' | 'compensated' | 'stuck' | 'resolved';

/** How a step, or its compensation, stands. `started` may have happened. */
export type SagaStepState = 'started' | 'interrupted' | 'failed' | 'done';

/** Whether steps are done or undone. */
export type SagaDirection = 'forward' | 'backward';

/** A row of `sagas`. */
export interface SagasTable {
  id: string;
  name: string;
  version: number;
  /** The steps at the start, as the text of a JSON list of `SagaStepEntry`. */
  steps: string;
  status: SagaStatus;
  /** Where it goes, or went when it got stuck. */
  direction: SagaDirection;
  idempotency_key: string | null;
  input: string | null;
  input_hash: string;
  /** Who holds the lease; NULL where it is free. */
  owner: string | null;
  /** Counts take-overs. A write that states an older one is a zombie's. */
  fence: number;
  /** Moves while the owner lives. It counts; it tells no time, so that no wall clock matters. */
  heartbeat: number;
  failed_step: string | null;
  stuck_step: string | null;
  stuck_reason: string | null;
  stuck_message: string | null;
  note: string | null;
  created_at: number;
  updated_at: number;
  finished_at: number | null;
}

/** A row of `saga_steps`. */
export interface SagaStepsTable {
  saga_id: string;
  direction: SagaDirection;
  position: number;
  name: string;
  state: SagaStepState;
  /** How often it was begun. */
  attempts: number;
  /** How many of these failed, since it was last let go on by hand. */
  failures: number;
  /** How many of these ended with their process, since then. */
  crashes: number;
  result: string | null;
  error_name: string | null;
  error_code: string | null;
  error_message: string | null;
  started_at: number;
  finished_at: number | null;
}

/** The tables of the set `sagaMigrations`. */
export interface SagaTables {
  sagas: SagasTable;
  saga_steps: SagaStepsTable;
}

/** A step as a saga's row keeps it: enough to tell without its code whether it fits, and what stays undone. */
export interface SagaStepEntry {
  readonly name: string;
  readonly compensates: boolean;
}

/** The part of a provider that the journal of sagas needs; `DatabaseProvider` fits, whatever its tables. */
export interface SagaProvider<DB> {
  /** The root handle. */
  readonly db: Kysely<DB>;
  /** Runs work in a transaction. */
  transaction<Result>(work: (tx: Transaction<DB>) => Promise<Result>): Promise<Result>;
}

/**
 * Sees the provider of an application as one of the journal, whose tables it has beside its own. Its plugins stay
 * outside: one that renames columns, or reads JSON by itself, would hide from us what we have written.
 */
export function asJournal<DB>(provider: SagaProvider<DB>): SagaProvider<SagaTables> {
  return {
    // Asked for each time: what stands before a provider may refuse it while its database is away.
    get db() {
      const { db } = provider as unknown as SagaProvider<SagaTables>;
      return hasPlugins(db) ? db.withoutPlugins() : db;
    },
    transaction: (work) =>
      provider.transaction((own) => {
        const tx = own as unknown as Transaction<SagaTables>;
        return work(hasPlugins(tx) ? tx.withoutPlugins() : tx);
      }),
  };
}

function hasPlugins(db: Kysely<SagaTables>): boolean {
  return db.getExecutor().plugins.length > 0;
}
