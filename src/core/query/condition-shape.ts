import type { SqlVocabulary } from '../engine/sql-vocabulary.ts';
import type { Issue } from '../foundation/issue.ts';
import { allOf, anyOf, everything, nothing, notTrue, type Condition } from './condition.ts';
import { slot } from './statement-template.ts';
import type { RawBuilder } from 'kysely';

/**
 * A condition without its values: those are collected beside it, in the order of its slots. Two conditions
 * with the same key make the same SQL, so that a statement is compiled once for all of them.
 */
export interface ConditionShape {
  readonly key: string;
  /** Makes the condition. Called only where no statement of this shape is compiled yet. */
  make(): Condition;
}

/** What is collected while a caller's input is read: values for the slots, and faults. */
export interface ShapeContext {
  readonly vocabulary: SqlVocabulary;
  /** Receives the values, as they are sent to the database. */
  readonly values: unknown[];
  /** Receives every fault. Where there is one, the shape is of no use. */
  readonly issues: Issue[];
}

/** A parameter whose value goes to the end of the values. */
export function addValue<Value>(
  { values }: Pick<ShapeContext, 'values'>,
  value: Value,
): () => RawBuilder<Value> {
  const position = values.push(value) - 1;
  return () => slot<Value>(position);
}

const everyRow: ConditionShape = { key: 't', make: () => everything };
export const noRow: ConditionShape = { key: 'f', make: () => nothing };

/** Holds where each of the conditions does; for every row where there is none. */
export function allShapes(shapes: readonly ConditionShape[]): ConditionShape {
  if (shapes.length === 0) return everyRow;
  if (shapes.length === 1) return shapes[0]!;
  return { key: keyOf('&', shapes), make: () => allOf(shapes.map((shape) => shape.make())) };
}

/** Holds where one of the conditions does; for no row where there is none. */
export function anyShape(shapes: readonly ConditionShape[]): ConditionShape {
  if (shapes.length === 0) return noRow;
  if (shapes.length === 1) return shapes[0]!;
  return { key: keyOf('|', shapes), make: () => anyOf(shapes.map((shape) => shape.make())) };
}

/** Holds where a condition does not, be it false or unknown. */
export function notShape(shape: ConditionShape): ConditionShape {
  return { key: `!${shape.key}`, make: () => notTrue(shape.make()) };
}

function keyOf(sign: string, shapes: readonly ConditionShape[]): string {
  let key = `${sign}(`;
  for (const shape of shapes) key += `${shape.key},`;
  return `${key})`;
}
