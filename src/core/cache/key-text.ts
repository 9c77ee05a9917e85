/**
 * Writes values so that two lists of them are the same text only where they are the same values.
 *
 * @param values as a statement is sent with them
 */
export function keyText(values: readonly unknown[]): string {
  let text = '';
  for (let at = 0; at < values.length; at += 1) text += valueText(values[at]);
  return text;
}

function valueText(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return `s${value.length}:${value}`;
    case 'number':
      return `n${Object.is(value, -0) ? '-0' : value};`;
    case 'boolean':
    case 'bigint':
      return `${typeof value === 'bigint' ? 'i' : 'b'}${value};`;
    default:
      return objectText(value);
  }
}

function objectText(value: unknown): string {
  if (value === null || value === undefined) return value === null ? 'z;' : 'u;';
  if (ArrayBuffer.isView(value)) {
    const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
    return `x${bytes.toString('hex')};`;
  }
  if (Array.isArray(value)) return `a${value.length}:${keyText(value)}`;
  return `o${keyText(Object.entries(value).flat())};`;
}
