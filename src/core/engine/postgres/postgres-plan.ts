import type { PlanTraits } from '../statement-assessment.ts';
import { assessPostgres } from './postgres-assessment.ts';
import { runnableOnPostgres } from './postgres-runnable.ts';
import { beginPostgresPlan } from './postgres-witness.ts';

/** What Postgres knows of the statements of a plan: rules, and what the server shows while they run. */
export const postgresPlan: PlanTraits = {
  assess: assessPostgres,
  runnable: runnableOnPostgres,
  begin: beginPostgresPlan,
};
