/** Writes SQL in another way that means the same: other white space, comments, letters of keywords and quotes. */
import fc from 'fast-check';

const parts = /'(?:[^']|'')*'|"(?:[^"]|"")*"|\w+|[<>]=|\s+|[^]/g;
const keywords =
  /^(?:create|table|index|view|trigger|as|select|from|where|is|not|null|default|constraint|unique|primary|key|foreign|references|on|delete|cascade|deferrable|initially|deferred|check|collate|integer|text|real|after|before|update|of|begin|end|set|desc|strict|without|rowid)$/;
const names =
  /^(?:parents|items|pairs|region|code|parent_id|price|note|name|id|a|b|items_price|items_note|cheap|total)$/;

/** How one part of a text is to be written. */
interface Way {
  readonly filler: number;
  readonly isUpper: boolean;
  readonly quotes: number;
}

const fillers = [' ', '\n\t', ' /* note: "it\'s" ; */ ', " -- don't\n", '  '];

/** As many ways as a script has parts, at most; they are taken in turns. */
export const ways: fc.Arbitrary<readonly Way[]> = fc.array(
  fc.record({
    filler: fc.nat(fillers.length - 1),
    isUpper: fc.boolean(),
    quotes: fc.nat(3),
  }),
  { minLength: 1, maxLength: 40 },
);

/**
 * @param quotes the pairs that the engine knows around names
 * @returns the same statement, written otherwise
 */
export function writeOtherwise(statement: string, chosen: readonly Way[], quotes: readonly string[]): string {
  // The arguments of a module and the name of a type are the text that they are.
  if (/virtual|create type/.test(statement)) return statement;
  return (statement.match(parts) ?? [])
    .map((part, index) => {
      const way = chosen[index % chosen.length] as Way;
      if (/^\s/.test(part)) return fillers[way.filler];
      if (keywords.test(part)) return way.isUpper ? part.toUpperCase() : part;
      const [open, close] = quotes[way.quotes] ?? '';
      return names.test(part) && open !== undefined && close !== undefined ? `${open}${part}${close}` : part;
    })
    .join('');
}
