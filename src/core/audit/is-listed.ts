import { sql, type Expression, type SqlBool } from 'kysely';
import type { ColumnKind, SqlVocabulary } from '../engine/sql-vocabulary.ts';

/** Whether a column has one of some values, however many they are. */
export function isListed(
  vocabulary: SqlVocabulary,
  column: string,
  kind: ColumnKind,
  values: readonly (string | number)[],
): Expression<SqlBool> {
  const list = vocabulary.listParameters(values, kind).map((parameter) => sql`${parameter}`);
  return vocabulary.isIn(sql.ref(column), list, kind);
}
