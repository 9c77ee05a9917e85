/**
 * Puts a fault into better-sqlite3, for a process that tests nothing else: the Nth call of the driver from
 * now on throws what SQLite would, or each run of one statement does. Loaded before the library, which then gets the driver with the fault.
 */
import { createRequire } from 'node:module';
import type BetterSqlite3 from 'better-sqlite3';

const require = createRequire(import.meta.url);
const Driver = require('better-sqlite3') as typeof BetterSqlite3;

let callsLeft = Infinity;
let code = '';
let failingText: string | undefined;

/** Lets the Nth call from now on fail, counted from 1, with a result code of SQLite. */
export function failCall(number: number, withCode: string): void {
  callsLeft = number;
  code = withCode;
}

/** Lets each run of a statement fail, with a result code of SQLite. */
export function failStatement(text: string, withCode: string): void {
  failingText = text;
  code = withCode;
}

/** Whether the call has come, and failed. */
export function hasFailed(): boolean {
  return callsLeft <= 0;
}

/** Lets no call fail any more. */
export function mendDriver(): void {
  callsLeft = Infinity;
  failingText = undefined;
}

function countCall(): void {
  callsLeft -= 1;
  if (callsLeft === 0) throw fault();
}

function fault(): Error {
  return new Driver.SqliteError('the fault of the test', code);
}

/** Counts the calls of methods, closing excepted: it frees what is there even where it fails. */
function interpose(prototype: object, names: readonly string[]): void {
  for (const name of names) {
    const method: unknown = Reflect.get(prototype, name);
    if (typeof method !== 'function') throw new Error(`The driver has no method ${name}.`);
    Object.defineProperty(prototype, name, {
      configurable: true,
      writable: true,
      value(this: unknown, ...args: unknown[]): unknown {
        countCall();
        if (failingText !== undefined && (this as { source?: string }).source === failingText) throw fault();
        return Reflect.apply(method, this, args);
      },
    });
  }
}

const probe = new Driver(':memory:');
interpose(Object.getPrototypeOf(probe.prepare('select 1')) as object, ['run', 'get', 'all', 'iterate']);
probe.close();
interpose(Driver.prototype, ['prepare', 'pragma', 'exec']);

const Faulty = new Proxy(Driver, {
  construct(target, args: ConstructorParameters<typeof BetterSqlite3>) {
    countCall();
    return new target(...args);
  },
});

const loaded = require.cache[require.resolve('better-sqlite3')];
if (loaded === undefined) throw new Error('The driver is not in the cache of modules.');
loaded.exports = Faulty;
