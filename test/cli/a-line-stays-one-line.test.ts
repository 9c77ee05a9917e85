/** C28: what came out of a database or from a caller ends no line, moves no cursor and turns no text round. */
import { expect } from 'chai';
import { sql } from 'kysely';
import { Output } from '../../src/cli/output.ts';
import { DatabaseProviderFactory, SagaRunner, defineSaga, uncheckedInput } from '../../src/core/index.ts';
import { migrateSagas, onlySaga, openSagaDatabase } from '../core/transaction/saga/saga-harness.ts';
import { describeOnDatabase, describeOnEachDatabase } from '../support/database.ts';
import { rejectionOf } from '../support/rejection.ts';
import { runBin } from './run-bin.ts';

/** Ends of lines, sequences of terminals in 7 and in 8 bits, marks of direction, and what nobody sees. */
const naughty = [
  'a\nerror: forged',
  'a\r\nerror: forged',
  'a\rforged',
  '\u001b[2J\u001b[31mred',
  '\u009b2Jcleared',
  '\u001b]0;title\u0007',
  '\b\b\bover',
  'a\u0085b',
  'a\u2028b\u2029c',
  '\u202egnp.exe',
  '\u2066hidden\u2069',
  'a\u200bb\ufeff',
  '\u{e0001}\u{e0041}tag',
  '\0',
];
const unseen = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;

function linesOf(text: string): string[] {
  expect(text).to.match(/\n$/);
  const lines = text.slice(0, -1).split('\n');
  for (const line of lines) expect(unseen.test(line), JSON.stringify(line)).to.equal(false);
  return lines;
}

describe('a line of the command line (C28)', () => {
  const print = (json: boolean, work: (output: Output) => void): { out: string; errors: string } => {
    const printed = { out: '', errors: '' };
    const stdout = { write: (text: string) => (printed.out += text) };
    const stderr = { write: (text: string) => (printed.errors += text) };
    work(new Output({ json, debug: true, args: [], stdout, stderr }));
    return printed;
  };

  it('stays one line, for people', () => {
    for (const text of naughty) {
      expect(linesOf(print(false, (output) => output.line(`name ${text} end`)).out), text).to.have.length(1);
    }
  });

  it('shows what was there', () => {
    const { out } = print(false, (output) => output.line('a\nb\u202ec\u{e0001}é😀'));
    expect(out).to.equal('a\\nb\\u202ec\\udb40\\udc01é😀\n');
  });

  it('is the same value again, for programs', () => {
    for (const text of naughty) {
      const { out } = print(true, (output) => output.document({ [text]: [text] }));
      linesOf(out);
      expect(JSON.parse(out)).to.deep.equal({ [text]: [text] });
    }
  });

  it('is one line where it is an error, and its stack moves no cursor', () => {
    for (const text of naughty) {
      const error = new Error(`of ${text}`, { cause: text });
      const [first, ...stack] = linesOf(print(false, (output) => output.error(error.message, error)).errors);
      expect(first).to.match(/^error: /);
      expect(stack.filter((line) => line.startsWith('error: forged')).length, text).to.be.lessThan(2);
    }
  });
});

describeOnDatabase('sqlite-file', 'a verb that prints what is stored (C28)', (database) => {
  it('prints it on its line', async () => {
    const url = await database.freshUrl();
    await using provider = openSagaDatabase(url);
    await migrateSagas(provider);
    const text = naughty.filter((each) => !each.includes('\0')).join(' ');
    const saga = defineSaga({
      name: 'refund',
      input: uncheckedInput<{ card: string }>(),
      steps: [
        {
          name: 'pay',
          run() {
            throw new RangeError(text);
          },
        },
      ],
    });
    {
      await using runner = new SagaRunner(provider, { sagas: [saga] });
      await rejectionOf(runner.run(saga, { card: '1' }));
    }
    const { id } = await onlySaga(provider);
    for (const args of [
      ['saga', 'list'],
      ['saga', 'show', id],
      ['saga', 'show', id, '--json'],
    ]) {
      const { stdout, stderr, code } = await runBin([...args, '--database', url]);
      expect(code, stderr).to.equal(0);
      const lines = linesOf(stdout);
      expect(
        lines.filter((line) => /^(?:error: )?forged/.test(line)),
        args.join(' '),
      ).to.deep.equal([]);
      if (args.includes('show')) expect(stdout).to.contain('forged');
    }
  }).timeout(120_000);
});

describeOnEachDatabase('a line of the log of debug (C28)', (database) => {
  it('is one line, whatever a statement is made of', async () => {
    const lines: unknown[][] = [];
    const { debug, error } = console;
    console.debug = (...line) => void lines.push(line);
    console.error = (...line) => void lines.push(line);
    try {
      const url = await database.freshUrl();
      await using provider = DatabaseProviderFactory.createProvider<object>({ url, debug: true });
      for (const text of naughty.filter((each) => !each.includes('\0'))) {
        await sql`select 1 as ${sql.id(text)}`.execute(provider.db);
        await rejectionOf(sql`select 1 from ${sql.id(text)}`.execute(provider.db));
      }
    } finally {
      Object.assign(console, { debug, error });
    }
    expect(lines.length).to.be.at.least(2 * (naughty.length - 1));
    for (const [line, ...others] of lines) {
      expect(others).to.deep.equal([]);
      expect(linesOf(`${String(line)}\n`)).to.have.length(1);
      expect(line).to.match(/^statement(?: failed)? \{"sql":/);
    }
  });
});
