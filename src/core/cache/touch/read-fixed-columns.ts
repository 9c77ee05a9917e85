import type { SqlToken } from '../../engine/sql-tokens.ts';
import { isSignToken, isWordToken } from './token-walk.ts';
import type { ValuePlace } from './touch.ts';
import type { ValueReader } from './value-reader.ts';

/** How many pairs of parentheses around conditions are opened. */
const deepest = 4;

/** Where one of these stands, AND may be something else than the end of a condition. */
const confusing: ReadonlySet<string> = new Set(['or', 'between', 'case']);

/**
 * Reads which columns a condition fixes to one value: `column = value`, at the top, all of them joined by AND.
 *
 * @param names of the table; what another one fixes does not count
 */
export function readFixedColumns(
  condition: readonly SqlToken[],
  names: readonly string[],
  values: ValueReader,
): ReadonlyMap<string, ValuePlace> {
  const fixed = new Map<string, ValuePlace>();
  read(condition, 0);
  return fixed;

  function read(tokens: readonly SqlToken[], opened: number): void {
    const depth = tokens[0]?.depth;
    const isAt = (token: SqlToken): boolean => token.depth === depth;
    if (tokens.some((token) => isAt(token) && token.kind === 'word' && confusing.has(token.text))) return;
    for (const part of splitAtAnd(tokens, isAt)) {
      if (opened < deepest && isEnclosed(part)) read(part.slice(1, -1), opened + 1);
      else readEquality(part);
    }
  }

  function readEquality(tokens: readonly SqlToken[]): void {
    const isQualified = isSignToken(tokens[1], '.');
    const [column, sign] = isQualified ? tokens.slice(2, 4) : tokens;
    if (isQualified && !names.includes(tokens[0]?.text.toLowerCase() ?? '')) return;
    if ((column?.kind !== 'word' && column?.kind !== 'name') || !isSignToken(sign, '=')) return;
    const place = values.read(tokens.slice(isQualified ? 4 : 2));
    if (place !== undefined) fixed.set(column.text.toLowerCase(), place);
  }
}

function splitAtAnd(
  tokens: readonly SqlToken[],
  isAt: (token: SqlToken) => boolean,
): readonly (readonly SqlToken[])[] {
  const parts: SqlToken[][] = [[]];
  for (const token of tokens) {
    if (isAt(token) && isWordToken(token, 'and')) parts.push([]);
    else parts.at(-1)?.push(token);
  }
  return parts;
}

/** Whether one pair of parentheses stands around all the tokens. */
function isEnclosed(tokens: readonly SqlToken[]): boolean {
  const [first] = tokens;
  const last = tokens.at(-1);
  if (tokens.length < 3 || !isSignToken(first, '(') || !isSignToken(last, ')')) return false;
  return tokens.slice(1, -1).every(({ depth }) => depth > (first?.depth ?? 0));
}
