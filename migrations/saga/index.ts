import * as sagas from './0001-sagas.ts';

/** The history of the saga journal's tables, in the order in which it runs. */
export const sagaMigrations = {
  name: 'saga',
  migrations: [{ name: '0001-sagas', up: sagas.up, down: sagas.down }],
} as const;
