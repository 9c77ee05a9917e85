/**
 * A setting that came as text, from a URL or an environment variable. The field that reads it converts it, so
 * that numbers need no schema here; a fault in it is reported where the text was written.
 */
export class TextSetting {
  readonly text: string;
  readonly path: readonly (string | number)[];

  /**
   * @param text as it was written, decoded
   * @param path where it was written: `['pool', 'max']`, `['DATABASE_POOL_MAX']`
   */
  constructor(text: string, path: readonly (string | number)[]) {
    this.text = text;
    this.path = path;
  }
}
