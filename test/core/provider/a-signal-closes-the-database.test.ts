import { expect } from 'chai';
import { existsSync } from 'node:fs';
import {
  DatabaseProviderFactory,
  PoolClosedError,
  ValidationError,
  closeOnSignal,
} from '../../../src/core/index.ts';
import { startProgram } from '../../support/child-program.ts';
import { describeOnEachDatabase } from '../../support/database.ts';
import { until } from '../../support/until.ts';

const program = new URL('closing-program.ts', import.meta.url);

describeOnEachDatabase('a signal closes the database', (database) => {
  async function start(...args: string[]) {
    const url = await database.freshUrl();
    const child = startProgram(program, [url, ...args]);
    await child.line(0);
    return { url, child };
  }

  it('under load: code 0, everything acknowledged is there, nothing is left open', async function () {
    this.timeout(20_000);
    const { url, child } = await start('10000');
    await child.line(20);
    child.kill('SIGTERM');
    const { code, signal, stderr } = await child.ended;
    expect({ code, signal, stderr }).to.deep.equal({ code: 0, signal: null, stderr: '' });
    if (database.name === 'sqlite-memory') return;
    if (database.name === 'sqlite-file')
      expect(existsSync(`${url.slice('sqlite:'.length)}-wal`)).to.equal(false);
    await using provider = DatabaseProviderFactory.createProvider<unknown>(url);
    const rows = await provider.query<{ id: number }>('select id from written');
    const stored = new Set(rows.map(({ id }) => Number(id)));
    const lost = child.lines.slice(1).filter((line) => !stored.has(Number(line)));
    expect(lost).to.deep.equal([]);
  });

  it('with code 1 where the deadline cuts something off', async function () {
    this.timeout(20_000);
    const { child } = await start('100', 'stuck');
    child.kill('SIGTERM');
    expect(await child.ended).to.include({ code: 1, signal: null });
  });

  it('and a second signal does not wait', async function () {
    this.timeout(20_000);
    const { child } = await start('86400000', 'stuck');
    child.kill('SIGINT');
    // The second must not come before the first was heard; signals of one kind would melt into one.
    child.kill('SIGTERM');
    const { code } = await child.ended;
    expect(code).to.be.oneOf([128 + 2, 128 + 15]);
  });
});

describe('closing on a signal', () => {
  const signal = 'SIGUSR2';

  it('is undone by what it returns', () => {
    const before = process.listenerCount(signal);
    const undo = closeOnSignal([], { signals: [signal] });
    expect(process.listenerCount(signal)).to.equal(before + 1);
    undo();
    expect(process.listenerCount(signal)).to.equal(before);
  });

  it('can leave the ending to the application, and closes all', async () => {
    const providers = ['sqlite::memory:', 'sqlite::memory:'].map((url) =>
      DatabaseProviderFactory.createProvider<unknown>(url),
    );
    const undo = closeOnSignal(providers, { signals: [signal], exit: false });
    try {
      process.kill(process.pid, signal);
      await until(async () => (await Promise.all(providers.map(isClosed))).every(Boolean));
    } finally {
      undo();
    }
  });

  it('refuses a deadline that is none', () => {
    expect(() => closeOnSignal([], { deadline: -1 })).to.throw(ValidationError);
  });
});

async function isClosed(provider: { query(text: string): Promise<unknown> }): Promise<boolean> {
  return provider.query('select 1').then(
    () => false,
    (error: unknown) => error instanceof PoolClosedError,
  );
}
