import * as tokens from './0001-tokens.ts';

/** The history of the tables of tokens, in the order in which it runs. */
export const tokenMigrations = {
  name: 'token',
  migrations: [{ name: '0001-tokens', up: tokens.up, down: tokens.down }],
} as const;
