import pg from 'pg';
import { poolSize, type PostgresOptions } from '../contender.ts';

const bigint = 20;

/** The driver's pool. Times come as numbers, as the library gives them. */
export function openPool({ url }: PostgresOptions): pg.Pool {
  const types = new pg.TypeOverrides();
  types.setTypeParser(bigint, Number);
  return new pg.Pool({ connectionString: url, max: poolSize, types });
}
