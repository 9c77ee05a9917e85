import { inspect, stripVTControlCharacters } from 'node:util';
import { escapeControls } from '../core/foundation/escape-controls.ts';
import { redacted } from '../core/foundation/secret.ts';

/** Where text goes; the process's own streams, or a test's. */
export interface TextStream {
  write(text: string): unknown;
  readonly isTTY?: boolean | undefined;
}

/** How the command line speaks. */
export interface OutputOptions {
  /** Whether stdout holds one JSON document and nothing else. */
  readonly json: boolean;
  /** Whether an error is followed by its stack and its causes. */
  readonly debug: boolean;
  /** The arguments as they were given: a URL in them may hold a password, and is never repeated. */
  readonly args: readonly string[];
  readonly stdout: TextStream;
  readonly stderr: TextStream;
}

/** Lines for people on stdout, or one document for programs; errors and progress on stderr. */
export class Output {
  readonly #options: OutputOptions;

  constructor(options: OutputOptions) {
    this.#options = options;
  }

  /** Whether stdout holds one JSON document and nothing else. */
  get json(): boolean {
    return this.#options.json;
  }

  /** Where progress goes: never among the results. */
  get stderr(): TextStream {
    return this.#options.stderr;
  }

  /** Prints a line for people. It stays one, whatever came out of a database or a file. */
  line(text: string): void {
    if (!this.#options.json) this.#options.stdout.write(`${escapeControls(text)}\n`);
  }

  /** Prints the document for programs. Call it once. */
  document(value: unknown): void {
    if (this.#options.json)
      this.#options.stdout.write(`${escapeLines(JSON.stringify(value, undefined, 2))}\n`);
  }

  /** Prints an error as one line, and its stack where `--debug` asks for it. */
  error(message: string, error: unknown): void {
    const { args, debug, stderr } = this.#options;
    const line = toOneLine(hideSecrets(message, args));
    stderr.write(`error: ${line}\n`);
    if (debug) stderr.write(`${escapeLines(hideSecrets(inspect(error, { depth: 4 }), args))}\n`);
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    this.document({ error: { code, message: line } });
  }
}

/**
 * Arguments are repeated by whoever complains of them. What stands behind `=` and in a URL is not: nobody
 * knows which option was meant. Of a URL that was made part of a path, the password goes.
 */
function hideSecrets(text: string, args: readonly string[]): string {
  const hidden = args.reduce(
    (rest, argument) => rest.replaceAll(argument, () => maskArgument(argument)),
    text,
  );
  const credentials = args.flatMap((argument) => /:\/\/[^/:]*:([^/]+)@/.exec(argument)?.[1] ?? []);
  return credentials.reduce((rest, credential) => rest.replaceAll(credential, redacted), hidden);
}

function maskArgument(argument: string): string {
  return argument.replace(/=.*/s, `=${redacted}`).replace(/(?<!\w)\w+:\/\/.*/s, redacted);
}

/** Escapes all but the ends of the lines. */
function escapeLines(text: string): string {
  return text.split('\n').map(escapeControls).join('\n');
}

function toOneLine(text: string): string {
  return stripVTControlCharacters(text)
    .split(/[\r\n]+/)
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .join('; ')
    .replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, ' ');
}
