import type { Danger } from '../../engine/statement-assessment.ts';
import type { RecordedStatement } from './recorded-statement.ts';

/**
 * Tells a rebuilt table from a dropped one: where a new table takes the name of one that the same migration has
 * dropped before, the rows were meant to move, and it is told as that.
 */
export function foldRebuilds(recorded: readonly RecordedStatement[]): readonly RecordedStatement[] {
  return recorded.map((statement, index) => {
    const { assessment } = statement;
    const dropped = assessment.effects.removes.filter((table) =>
      isTakenAgain(table, recorded.slice(index + 1)),
    );
    if (assessment.kind !== 'drop table' || dropped.length === 0) return statement;
    const isRebuilt = ({ code, message }: Danger) =>
      code === 'drop-table' && dropped.some((table) => message.startsWith(`"${table}"`));
    const dangers = assessment.dangers.map((danger) =>
      isRebuilt(danger) ? rebuildOf(dropped[0] as string) : danger,
    );
    const destroys = dangers.some(({ code }) => code === 'drop-table') ? assessment.destroys : undefined;
    return {
      ...statement,
      assessment: { ...assessment, destroys, dangers },
      codesInUse: [...statement.codesInUse, 'rebuild-table'],
    };
  });
}

function isTakenAgain(table: string, later: readonly RecordedStatement[]): boolean {
  return later.some(({ assessment }) => assessment.effects.renames.some(({ to }) => to === table));
}

function rebuildOf(table: string): Danger {
  return {
    code: 'rebuild-table',
    message: `"${table}" is dropped, and a new table with its rows takes its name: all of it is written, nobody else can use it meanwhile, and what the copy leaves out is gone.`,
    remedy:
      "Use `t.rebuildTable()` with `foreignKeys: 'off'`, which compares the rows, and make a backup first.",
  };
}
