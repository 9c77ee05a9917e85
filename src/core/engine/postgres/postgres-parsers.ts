/**
 * Parsers of our own for the plain types that Postgres brings. They give what pg's own give by default, and
 * nobody else can replace them: pg's registry belongs to the whole process, and it is common to put parsers
 * for numbers and dates into it.
 */

/** Turns the text of a value into the value. */
export type ParseText = (text: string) => unknown;

/** What is text, and what a number or an object would not hold as it is. */
const asText: ParseText = (text) => text;

/** The types, by their fixed numbers in `pg_type.dat` of PostgreSQL. */
export const plainParsers: ReadonlyMap<number, ParseText> = new Map([
  ...parsersFor([16], (text) => text === 't'), // bool
  ...parsersFor([21, 23, 26], Number), // int2, int4, oid
  ...parsersFor([700, 701], Number), // float4, float8
  ...parsersFor([17], parseBytes), // bytea
  ...parsersFor([1082, 1114, 1184], parseTime), // date, timestamp, timestamptz
  ...parsersFor([18, 19, 25, 1042, 1043], asText), // "char", name, text, char, varchar
  ...parsersFor([1700, 790], asText), // numeric, money
  ...parsersFor([114, 3802, 142, 4072], asText), // json, jsonb, xml, jsonpath
  ...parsersFor([2950], asText), // uuid
  ...parsersFor([1083, 1266], asText), // time, timetz
  ...parsersFor([650, 774, 829, 869], asText), // cidr, macaddr8, macaddr, inet
  ...parsersFor([1560, 1562], asText), // bit, varbit
  ...parsersFor([3614, 3615], asText), // tsvector, tsquery
]);

function parsersFor(types: readonly number[], parse: ParseText): [number, ParseText][] {
  return types.map((type) => [type, parse]);
}

const timeForm =
  /^(?<year>\d{4,})-(?<month>\d\d)-(?<day>\d\d)(?: (?<hour>\d\d):(?<minute>\d\d):(?<second>\d\d)(?:\.(?<fraction>\d+))?)?(?<offset>[+-][\d:]+)?(?<bc> BC)?$/;

/**
 * A time in the ISO style of Postgres, cut to milliseconds. Without an offset it is local time, as pg reads it.
 *
 * @see PostgreSQL documentation, "8.5.2. Date/Time Output"
 */
function parseTime(text: string): unknown {
  if (text === 'infinity') return Number.POSITIVE_INFINITY;
  if (text === '-infinity') return Number.NEGATIVE_INFINITY;
  const parts = timeForm.exec(text)?.groups;
  // SQL has changed the style of the session, and nothing better than the text is known.
  if (parts === undefined) return text;
  const part = (name: string) => Number(parts[name] ?? 0);
  // 1 BC is the year 0 of JavaScript.
  const year = parts['bc'] === undefined ? part('year') : 1 - part('year');
  const millisecond = Number((parts['fraction'] ?? '').slice(0, 3).padEnd(3, '0'));
  // The constructor and Date.UTC read the years 0 to 99 as 1900 to 1999.
  const date = new Date(0);
  if (parts['offset'] === undefined) {
    date.setFullYear(year, part('month') - 1, part('day'));
    date.setHours(part('hour'), part('minute'), part('second'), millisecond);
  } else {
    date.setUTCFullYear(year, part('month') - 1, part('day'));
    date.setUTCHours(
      part('hour'),
      part('minute'),
      part('second') - offsetSeconds(parts['offset']),
      millisecond,
    );
  }
  return date;
}

/** `+05:30` in seconds; offsets of old times have seconds of their own. */
function offsetSeconds(offset: string): number {
  const [hours = 0, minutes = 0, seconds = 0] = offset.slice(1).split(':').map(Number);
  return (offset.startsWith('-') ? -1 : 1) * ((hours * 60 + minutes) * 60 + seconds);
}

/** Bytes in hexadecimal, or with octal escapes where the server's `bytea_output` says so. */
function parseBytes(text: string): Buffer {
  if (text.startsWith('\\x')) return Buffer.from(text.slice(2), 'hex');
  const bytes = text.replaceAll(/\\(?:\\|([0-7]{3}))/g, (_, octal: string | undefined) =>
    octal === undefined ? '\\' : String.fromCharCode(Number.parseInt(octal, 8)),
  );
  return Buffer.from(bytes, 'latin1');
}
