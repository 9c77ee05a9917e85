/**
 * What an engine can tell of itself beside its pool. A figure that it does not have, or that cannot be read at the
 * moment, is absent. Times in ms; what is counted runs from the making of the provider.
 */
export interface EngineGauges {
  /** The version of the server, or of the library that is the database. */
  readonly version?: string;
  /** How large the database is, without its log. SQLite alone tells: Postgres would look at each of its files. */
  readonly databaseBytes?: number;
  /** The write-ahead log of SQLite; absent in memory. */
  readonly wal?: WalGauges;
  /** Callers that wait for the one connection that writes. */
  readonly writerQueue?: number;
  /** For how long synchronous statements have kept the event loop from turning; absent where nobody measures that. */
  readonly loop?: LoopGauges;
  /** The worker threads of SQLite; absent where there are none. */
  readonly workers?: WorkerGauges;
  /** The connections of the pool of Postgres by what they do. */
  readonly sessions?: SessionGauges;
  /** Statements that the connections of the pool keep prepared on the server, together. */
  readonly preparedStatements?: number;
  /** The replicas of Postgres in the order of the configuration; absent where there are none. */
  readonly replicas?: readonly ReplicaGauges[];
}

/** The write-ahead log. */
export interface WalGauges {
  /** Its size as a file, which shrinks only where it has passed 64 MiB. */
  readonly bytes: number;
  /** How often it has begun anew behind a whole checkpoint, since it was made; absent while it is empty. */
  readonly restarts?: number;
  /** Checkpoints that the library made because the log had grown behind a long snapshot. SQLite's own are in commits. */
  readonly checkpoints: number;
  /** How long they took together. */
  readonly checkpointTime: number;
  /** How many of them could not empty the log, since a snapshot was in the way. */
  readonly failedCheckpoints: number;
}

/** What ran on the thread of the event loop, which does not turn meanwhile. */
export interface LoopGauges {
  /** Statements that ran there, BEGIN and COMMIT among them; a chunk of a stream counts as one. */
  readonly statements: number;
  /** How long they took together: its growth over the time in which it grew is their share of the event loop. */
  readonly held: number;
  /** How long the longest took. */
  readonly longest: number;
  /** How many took longer than `connection.loopBlockThreshold`. */
  readonly blocked: number;
}

/** Worker threads. */
export interface WorkerGauges {
  /** Threads that are running. */
  readonly size: number;
  /** Those that run a read. */
  readonly busy: number;
  /** The most there may be. */
  readonly max: number;
}

/** Connections by what they do, as their last answer left them. */
export interface SessionGauges {
  /** A statement is under way. */
  readonly active: number;
  /** Nothing is. */
  readonly idle: number;
  /** Nothing is, and a transaction is open. */
  readonly idleInTransaction: number;
  /** Nothing is, and a transaction is open in which a statement has failed. */
  readonly idleInFailedTransaction: number;
}

/** One replica. */
export interface ReplicaGauges {
  /** Its number in the configuration, from 1. */
  readonly number: number;
  /** Whether it answers, and is a replica. */
  readonly isAnswering: boolean;
  /** How far it is behind, in ms; absent where nobody knows. */
  readonly lag?: number;
  /** How many bytes of the log of the primary it has still to replay; absent where one of the two does not answer. */
  readonly lagBytes?: number;
}
