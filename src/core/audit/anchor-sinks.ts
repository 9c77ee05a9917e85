import { open, readFile } from 'node:fs/promises';
import { askOutside } from '../foundation/ask-outside.ts';
import type { Clock } from '../foundation/clock.ts';
import { ConfigurationError } from '../foundation/errors/configuration-error.ts';
import { ConnectionError } from '../foundation/errors/connection-errors.ts';
import { ValidationError } from '../foundation/errors/validation-error.ts';
import type { AuditAnchor } from './anchor.ts';

/**
 * Keeps an anchor outside of the database. It may be any function; one that rejects is asked again with the next
 * anchor.
 */
export type AnchorSink = (anchor: AuditAnchor) => unknown;

/**
 * Keeps anchors in a file, one a line (JSON Lines), each on the disk before the call ends. It only ever appends. Keep
 * the file where whoever can change the database cannot change it.
 *
 * @param path of the file, which is made where it is not there
 * @returns the sink; it rejects with the error of the file system
 * @example
 * log.startAnchoring({ every: 3_600_000, to: fileAnchors('/var/log/app/audit-anchors.jsonl') });
 */
export function fileAnchors(path: string): AnchorSink {
  return async (anchor) => {
    const file = await open(path, 'a+', 0o600);
    try {
      const { size } = await file.stat();
      const { buffer } = await file.read(Buffer.alloc(1), 0, 1, Math.max(0, size - 1));
      // A line that was cut off by a crash must not spoil this one.
      const start = size === 0 || buffer.toString() === '\n' ? '' : '\n';
      await file.appendFile(`${start}${JSON.stringify(anchor)}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
  };
}

/**
 * Reads what `fileAnchors` has kept.
 *
 * @param path of the file
 * @returns the anchors in their order; that they are genuine is for `verify` to say
 * @throws ConfigurationError where the file cannot be read; ValidationError that names each line that is no JSON, such
 *   as one that a crash has cut off: take it out by hand
 * @example
 * const report = await log.verify({ anchors: await readAnchors('/var/log/app/audit-anchors.jsonl') });
 */
export async function readAnchors(path: string): Promise<AuditAnchor[]> {
  return (await readKeptAnchors(path)).map(({ anchor }) => anchor);
}

/** An anchor of a file. */
export interface KeptAnchor {
  /** The line that it stands in, from 1. */
  readonly line: number;
  /** What stands there; whether it is an anchor is for `verify` to say. */
  readonly anchor: AuditAnchor;
}

/** Reads anchors as `readAnchors` does, each with its line. */
export async function readKeptAnchors(path: string): Promise<KeptAnchor[]> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new ConfigurationError(`The anchors in ${path} cannot be read (${code}).`, { cause: error });
  }
  const anchors: KeptAnchor[] = [];
  const faulty: number[] = [];
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue;
    try {
      anchors.push({ line: index + 1, anchor: JSON.parse(line) as AuditAnchor });
    } catch {
      faulty.push(index + 1);
    }
  }
  if (faulty.length === 0) return anchors;
  throw new ValidationError(
    faulty.map((line) => ({
      path: ['line', line],
      message: `is no JSON, as where writing was cut short. Take it out of ${path} by hand: the others are good without it`,
    })),
  );
}

/** How anchors are sent. */
export interface HttpAnchorsOptions {
  /** Headers of each request, such as `authorization`. They never stand in an error. */
  readonly headers?: Readonly<Record<string, string>>;
  /** How long an answer is waited for, in ms from 1; 10,000 by default. */
  readonly timeout?: number;
  /** Where time comes from; the machine's by default. */
  readonly clock?: Clock;
}

/**
 * Sends anchors to another machine: a POST with the anchor as JSON. Any answer of 200 to 299 means that it is kept.
 *
 * @param url of the receiver, by http or https
 * @param options headers and the time limit
 * @returns the sink; it rejects with ConnectionError, which never holds a header nor what the receiver answered
 * @throws ConfigurationError where the URL or the limit is none
 * @example
 * const sink = httpAnchors('https://witness.example.org/anchors', { headers: { authorization: token.reveal() } });
 */
export function httpAnchors(url: string, options: HttpAnchorsOptions = {}): AnchorSink {
  const { headers = {}, timeout = 10_000, clock } = options;
  const target = URL.canParse(url) ? new URL(url) : undefined;
  if (target?.protocol !== 'http:' && target?.protocol !== 'https:') {
    throw new ConfigurationError([{ path: ['url'], message: 'must be a URL of http or https' }]);
  }
  if (!Number.isFinite(timeout) || timeout < 1) {
    throw new ConfigurationError([{ path: ['timeout'], message: 'must be a number of ms from 1' }]);
  }
  const who = `The receiver of anchors at ${target.host}`;
  return (anchor) =>
    askOutside(
      who,
      async (signal) => {
        const answer = await fetch(target, {
          method: 'POST',
          headers: { 'content-type': 'application/json', ...headers },
          body: JSON.stringify(anchor),
          // What is sent elsewhere would take the headers with it.
          redirect: 'error',
          signal,
        });
        await answer.body?.cancel();
        if (!answer.ok)
          throw new ConnectionError(`${who} answered ${answer.status}, so the anchor is not kept.`);
      },
      { timeout, clock },
    );
}
