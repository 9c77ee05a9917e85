/** The one text of a number, to its last digit. Pure. */

const form = /^([+-]?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/;

/** Whether a text is a number of a finite length. */
export function isDecimal(text: string): boolean {
  return form.test(text);
}

/**
 * Writes a number as its digits and its exponent: `-1.50e3` as `-15e2`.
 *
 * @param text for which `isDecimal` holds
 */
export function canonicalNumber(text: string): string {
  const [digits, power] = digitsOf(text);
  return power === 0n ? digits : `${digits}e${power}`;
}

/** The one text of what a column of numbers holds: infinity is a word, which each engine writes in its own way. */
export function canonicalDecimal(text: string): string {
  if (isDecimal(text)) return canonicalNumber(text);
  const [, sign] = /^([+-]?)inf(?:inity)?$/i.exec(text) ?? [];
  return sign === undefined ? text : `${sign === '-' ? '-' : ''}Infinity`;
}

/**
 * The same for a column that is one of doubles on either side, which SQLite writes with more digits than tell them
 * apart. What has neither a point nor an exponent may be an integer, which is held to its last digit.
 */
export function canonicalDouble(text: string): string {
  return canonicalDecimal(isDecimal(text) && /[.eE]/.test(text) ? String(Number(text)) : text);
}

/**
 * Whether a number is another one when it has been rounded.
 *
 * @param text for which `isDecimal` holds
 * @param rounding to a float of 32 or 64 bits, or to so many digits behind the point
 */
export function isRounded(text: string, rounding: 'single' | 'double' | number): boolean {
  if (typeof rounding === 'number') {
    const [digits, power] = digitsOf(text);
    return digits !== '0' && power < -rounding;
  }
  const value = Number(text);
  const held = rounding === 'double' ? value : shortSingle(value);
  return !Number.isFinite(held) || canonicalNumber(String(held)) !== canonicalNumber(text);
}

/** The shortest number that a float of 32 bits tells from its neighbours: as that it is written and read. */
function shortSingle(value: number): number {
  const single = Math.fround(value);
  for (let digits = 1; digits < 9; digits += 1) {
    const short = Number(single.toPrecision(digits));
    if (Math.fround(short) === single) return short;
  }
  return Number(single.toPrecision(9));
}

function digitsOf(text: string): [digits: string, power: bigint] {
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = form.exec(text) ?? [];
  const digits = `${whole}${fraction}`.replace(/^0+/, '');
  let end = digits.length;
  while (digits[end - 1] === '0') end -= 1;
  const short = digits.slice(0, end);
  if (short === '') return ['0', 0n];
  const power = BigInt(exponent) - BigInt(fraction.length) + BigInt(digits.length - short.length);
  return [`${sign === '-' ? '-' : ''}${short}`, power];
}
