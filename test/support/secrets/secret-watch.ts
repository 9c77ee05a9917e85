/**
 * The canary of the whole run (check C8), loaded by mocha before every run (.mocharc.json). Secrets are planted by
 * themselves: each key that becomes a KeyObject, each text that a Secret reveals, the password of the server. It
 * listens to all that comes out of this process and, by pipes, of those that it starts; to all that the library's
 * default logger is given; and to every error of the library that is made. The test that a secret comes out of fails.
 *
 * It does not hear what a child writes to an inherited output or to `spawnSync`, what a logger of a test's own is
 * given (unless it is a `watchedLogger`), and what errors hold beside their messages, behind the first 50 of a class
 * in one test.
 */
import type { ChildProcess } from 'node:child_process';
import crypto from 'node:crypto';
import { subscribe } from 'node:diagnostics_channel';
import { syncBuiltinESMExports } from 'node:module';
import type { Readable } from 'node:stream';
import { inspect } from 'node:util';
import { LiminalDataError } from '../../../src/core/foundation/errors/liminal-data-error.ts';
import { silentLogger } from '../../../src/core/foundation/logger.ts';
import { Secret } from '../../../src/core/foundation/secret.ts';
import { countCharacters, hear, nameTest, takeLeaks } from './heard-texts.ts';
import { countSecrets, plantBytes, plantText } from './planted-secrets.ts';
import { countLines, watchedLogger } from './watched-logger.ts';

/** So many errors of a class are printed whole in one test. */
const mostErrors = 50;
/** What of an output a chunk may cut in two. */
const overlap = 200;

let errors = 0;
let madeInTest = new Map<string, Error[]>();

/** Stands between the errors of the library and Error: their `super` is looked up when it is called. */
class WatchedError extends Error {
  constructor(message?: string, options?: ErrorOptions) {
    super(message, options);
    errors += 1;
    hear('the message of an error', this.message);
    const made = madeInTest.get(new.target.name) ?? [];
    madeInTest.set(new.target.name, made);
    if (made.length < mostErrors) made.push(this);
  }
}

/** As a log, a debugger and a crash report print them, with all their causes; once they have all their fields. */
function hearErrors(): void {
  const made = madeInTest;
  madeInTest = new Map();
  for (const [name, instances] of made) {
    for (const error of instances) {
      hear(
        `an error ${name}`,
        `${inspect(error, { depth: 10, showHidden: true, getters: true })} ${JSON.stringify(error)}`,
      );
    }
  }
}

function watchOutput(stream: NodeJS.WriteStream, source: string): void {
  const write = stream.write.bind(stream) as (...args: unknown[]) => boolean;
  stream.write = (...args: unknown[]) => {
    hear(source, textOf(args[0] as Uint8Array | string));
    return write(...args);
  };
}

function watchPipe(pipe: Readable | null, source: string): void {
  if (pipe === null) return;
  const push = pipe.push.bind(pipe);
  let before = '';
  pipe.push = (chunk: Uint8Array | string | null, encoding?: BufferEncoding) => {
    if (chunk !== null) {
      const text = before + textOf(chunk);
      hear(source, text);
      before = text.slice(-overlap);
    }
    return push(chunk, encoding);
  };
}

function textOf(chunk: Uint8Array | string): string {
  return typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString();
}

function plantByThemselves(): void {
  const reveal = Object.getOwnPropertyDescriptor(Secret.prototype, 'reveal')?.value as () => string;
  Secret.prototype.reveal = function (this: Secret) {
    const text = reveal.call(this);
    plantText(text);
    return text;
  };
  const { createSecretKey } = crypto;
  crypto.createSecretKey = (key: NodeJS.ArrayBufferView | string, encoding?: BufferEncoding) => {
    if (key instanceof Uint8Array) plantBytes(key);
    return createSecretKey(key as string, encoding as BufferEncoding);
  };
  syncBuiltinESMExports();
}

function expectNoLeak(): void {
  hearErrors();
  const leaks = takeLeaks();
  if (leaks.length > 0) throw new Error(`Secrets came out:\n${leaks.join('\n')}`);
}

plantByThemselves();
Object.setPrototypeOf(LiminalDataError, WatchedError);
Object.assign(silentLogger, watchedLogger({ ...silentLogger }));
watchOutput(process.stdout, 'the output');
watchOutput(process.stderr, 'the error output');
subscribe('child_process', (message) => {
  const { process: child } = message as { process: ChildProcess };
  // It has its pipes once `spawn` has returned.
  queueMicrotask(() => {
    watchPipe(child.stdout, 'the output of a process');
    watchPipe(child.stderr, 'the error output of a process');
  });
});

export const mochaHooks = {
  beforeEach(this: Mocha.Context): void {
    const test = this.currentTest;
    const run = test?.fn as Mocha.AsyncFunc | undefined;
    if (test === undefined || run === undefined) return;
    nameTest(test.fullTitle());
    // Within the test rather than behind it: so this one fails, by its name, and the run goes on.
    test.fn = async function (this: Mocha.Context) {
      await run.call(this);
      expectNoLeak();
    };
  },
  /** For what came out of hooks, and of tests that failed of something else. */
  afterAll(): void {
    console.log(
      `secrets: ${countSecrets()} planted; ${errors} errors, ${countLines()} lines of logs and ` +
        `${countCharacters()} characters in all were looked at`,
    );
    expectNoLeak();
  },
};
