/** Environment variables and the options that they set. */
export const environmentVariables = {
  DATABASE_URL: 'url',
  DATABASE_TYPE: 'type',
  DATABASE_FILENAME: 'connection.filename',
  DATABASE_DURABILITY: 'connection.durability',
  DATABASE_WORKERS: 'connection.workers',
  DATABASE_LOOP_BLOCK_THRESHOLD: 'connection.loopBlockThreshold',
  DATABASE_HOST: 'connection.host',
  DATABASE_PORT: 'connection.port',
  DATABASE_NAME: 'connection.database',
  DATABASE_USER: 'connection.user',
  DATABASE_PASSWORD: 'connection.password',
  DATABASE_TLS: 'connection.tls',
  DATABASE_TLS_CA: 'connection.tlsCa',
  DATABASE_CHANNEL_BINDING: 'connection.channelBinding',
  DATABASE_SCRAM: 'connection.scram',
  DATABASE_APPLICATION_NAME: 'connection.applicationName',
  DATABASE_PREPARE: 'connection.prepare',
  DATABASE_REPLICA_MAX_LAG: 'connection.replicaMaxLag',
  DATABASE_POOL_MIN: 'pool.min',
  DATABASE_POOL_MAX: 'pool.max',
  DATABASE_POOL_ACQUIRE_TIMEOUT: 'pool.acquireTimeout',
  DATABASE_POOL_IDLE_TIMEOUT: 'pool.idleTimeout',
  DATABASE_POOL_MAX_LIFETIME: 'pool.maxLifetime',
  DATABASE_POOL_MAX_WAITING: 'pool.maxWaiting',
  DATABASE_POOL_LEAK_THRESHOLD: 'pool.leakThreshold',
  DATABASE_STATEMENT_TIMEOUT: 'statementTimeout',
  DATABASE_LOCK_TIMEOUT: 'lockTimeout',
  DATABASE_SLOW_QUERY_THRESHOLD: 'slowQueryThreshold',
  DATABASE_DEBUG: 'debug',
} as const;

/** One of the variables that are read. */
export type EnvironmentVariable = keyof typeof environmentVariables;

/** Variables that may instead name a file with the value, as `…_FILE`: secrets, and what is too long for a variable. */
export const variablesWithFile: readonly EnvironmentVariable[] = [
  'DATABASE_URL',
  'DATABASE_PASSWORD',
  'DATABASE_TLS_CA',
];

/**
 * Variables with a number, from 1: `DATABASE_URL_REPLICA_1`, `DATABASE_URL_REPLICA_2` and so on, each the URL
 * of a replica, or `…_FILE` with the name of a file.
 */
export const replicaVariable = /^DATABASE_URL_REPLICA_(\d+)(?:_FILE)?$/;
