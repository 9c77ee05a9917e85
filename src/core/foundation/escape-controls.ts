/**
 * Escapes what ends a line, moves a cursor or turns the direction of text, as JSON does: a text from outside stays one
 * line, and looks like what it is.
 */
export function escapeControls(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (found) =>
    found === '\n'
      ? String.raw`\n`
      : Array.from({ length: found.length }, (_, at) => unit(found, at)).join(''),
  );
}

function unit(text: string, at: number): string {
  return `\\u${text.charCodeAt(at).toString(16).padStart(4, '0')}`;
}
