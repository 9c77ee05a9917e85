/** Runs each program on Kysely's own dialect and on ours, and expects one answer. */
import { expect } from 'chai';
import { Kysely, type Dialect, type Driver, type LogEvent } from 'kysely';
import { fillTables, type Program, type Tables } from './dialect-programs.ts';

/** Dialects on a new empty database each. */
export interface DialectPair {
  readonly own: () => Promise<Dialect>;
  readonly pooled: () => Promise<Dialect>;
}

/** @param idType how a column is declared that counts by itself */
export function comparePrograms(
  programs: Readonly<Record<string, Program>>,
  { own, pooled }: DialectPair,
  idType: 'serial' | 'integer',
): void {
  for (const [title, program] of Object.entries(programs)) {
    it(title, async () => {
      const expected = await runProgram(program, await own(), idType);
      const answer = await runProgram(program, await pooled(), idType);
      expect(answer).to.deep.equal(expected);
    });
  }
}

async function runProgram(
  program: Program,
  dialect: Dialect,
  idType: 'serial' | 'integer',
): Promise<unknown> {
  const logged: LogEvent[] = [];
  const db = new Kysely<Tables>({ dialect, log: (event) => void logged.push(event) });
  try {
    await fillTables(db, idType);
    logged.length = 0;
    return await program(db, { logged, describe: describeError });
  } finally {
    await db.destroy();
  }
}

function describeError(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const { code, detail, table, constraint, column } = error as Error & Record<string, unknown>;
  const { name, message } = error;
  return { kind: error.constructor.name, name, message, code, detail, table, constraint, column };
}

/**
 * Lets Kysely's own driver refuse to begin, as its suite does, and says what came of it.
 *
 * @param driver the class that ours builds on
 */
export async function refuseToBegin(
  driver: { readonly prototype: Driver },
  db: Kysely<Tables>,
): Promise<unknown> {
  const { prototype } = driver;
  const kept = Object.getOwnPropertyDescriptors(prototype);
  const calls: string[] = [];
  prototype.beginTransaction = () => {
    calls.push('begin');
    throw new Error('no');
  };
  prototype.rollbackTransaction = async () => void calls.push('rollback');
  try {
    await db
      .transaction()
      .execute(async () => void calls.push('work'))
      .catch((error: unknown) => calls.push((error as Error).message));
  } finally {
    Object.defineProperties(prototype, kept);
  }
  return [calls, await db.transaction().execute((tx) => tx.selectFrom('pet').selectAll().execute())];
}
