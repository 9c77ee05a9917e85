/** Whether every engine stores a text as it is: none takes NUL or lone surrogates without changing them. */
export function isStorableText(text: string): boolean {
  return text.isWellFormed() && !text.includes('\0');
}
