/** C28: what a statement, a parameter, a request or a name brings along ends no line, in whatever logger. */
import { expect } from 'chai';
import fc from 'fast-check';
import { sql } from 'kysely';
import { runAs } from '../../../src/core/foundation/actor-context.ts';
import type { Logger } from '../../../src/core/foundation/logger.ts';
import { DatabaseProviderFactory } from '../../../src/core/provider/database-provider-factory.ts';
import { describeOnEachDatabase } from '../../support/database.ts';
import { soakCount } from '../../support/engines.ts';
import { rejectionOf } from '../../support/rejection.ts';
import { SteppingClock } from './stepping-clock.ts';

const unseen = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;
/** Ends of lines, sequences of terminals, marks of direction, and what nobody sees. */
const fragments = [
  ['a', "'", '"', '\n', '\r', '\r\nslow query forged', '\u001b[2J', '\u009b2J', '\u0007', '\b', '\u0085'],
  ['\u2028', '\u2029', '\u202e', '\u2066', '\u200b', '\ufeff', '\u{e0001}', '%s', '{}', '\\n', '/*', '--'],
].flat();
const naughty = fc
  .array(fc.constantFrom(...fragments), { minLength: 1, maxLength: 6 })
  .map((parts) => parts.join(''));

/** One that writes what it is given as it is. */
function naiveLogger(lines: string[]): Logger {
  const write = (fields: object, message: string) => {
    const texts = Object.entries(fields).map(([name, value]) => `${name}=${flatten(value)}`);
    lines.push(`${message} ${texts.join(' ')}`);
  };
  return { debug: write, info: write, warn: write, error: write };
}

function flatten(value: unknown): string {
  if (Array.isArray(value)) return value.map(flatten).join(',');
  if (typeof value === 'object' && value !== null) return Object.values(value).map(flatten).join(',');
  return String(value);
}

describeOnEachDatabase('a line of a slow query (C28)', (database) => {
  it('is one line in the console, and in a logger that escapes nothing', async () => {
    const clock = new SteppingClock(1_000);
    const lines: string[] = [];
    const { warn } = console;
    const config = {
      url: await database.freshUrl(),
      slowQueryThreshold: 1_000,
      pool: { acquireTimeout: 3_600_000 },
    };
    const options = { clock, loggableColumns: ['status'], warnOfNPlusOne: { limit: 1 } } as const;
    const loud = DatabaseProviderFactory.createProvider<object>(config, {
      ...options,
      logger: naiveLogger(lines),
    });
    const silent = DatabaseProviderFactory.createProvider<object>(config, options);
    console.warn = (...parts) => void lines.push(parts.map(String).join('|'));
    try {
      await fc.assert(
        fc.asyncProperty(naughty, async (text) => {
          lines.length = 0;
          for (const provider of [loud, silent]) {
            await runAs({ type: 'user', id: text, requestId: text }, async () => {
              const statement = sql`select 1 as ${sql.id(text)} from (select 'x' as status) as q where status = ${text}`;
              for (let turn = 0; turn < 2; turn += 1) await statement.execute(provider.db);
              await rejectionOf(sql`select 1 from ${sql.id(text)}`.execute(provider.db));
            });
          }
          // Three slow queries and one N+1 of each provider.
          expect(lines.filter((line) => line.startsWith('slow query'))).to.have.length(6);
          expect(lines.filter((line) => line.startsWith('the same query'))).to.have.length(2);
          expect(lines).to.have.length(8);
          for (const line of lines) expect(unseen.test(line), JSON.stringify(line)).to.equal(false);
        }),
        { numRuns: soakCount(200) },
      );
    } finally {
      console.warn = warn;
      await Promise.all([loud.close(), silent.close()]);
    }
  });
});
