import type { StatementAssessment } from '../../engine/statement-assessment.ts';

/** What is said of a statement on an engine that has no rules. */
export const unknownStatement: StatementAssessment = {
  kind: 'unknown',
  tables: [],
  destroys: undefined,
  locks: [],
  rewrites: undefined,
  dangers: [
    {
      code: 'unknown-statement',
      message: 'The engine has no rules that say what it does.',
      remedy: 'Look at it, and say in `reviewed` why it is safe.',
    },
  ],
  effects: { makes: [], makesIfMissing: [], removes: [], renames: [], alters: [], unvalidated: [] },
  measured: false,
};
