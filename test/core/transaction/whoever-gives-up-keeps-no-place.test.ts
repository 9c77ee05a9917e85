import Database from 'better-sqlite3';
import { expect } from 'chai';
import {
  DatabaseProviderFactory,
  TransactionTimeoutError,
  UnitOfWork,
  type UnitOptions,
} from '../../../src/core/index.ts';
import { describeOnDatabase, describeOnEachDatabase } from '../../support/database.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { rejectionOf } from '../../support/rejection.ts';
import { until } from '../../support/until.ts';
import { openUnits } from './units.ts';

/** Units of which each has to wait for the one connection that there is for it. */
const lines: Record<string, { readonly settings: string; readonly options: UnitOptions }> = {
  'the one that writes': { settings: 'pool.max=1', options: {} },
  'a reader': { settings: 'pool.max=2', options: { readOnly: true } },
  'a worker thread': { settings: 'pool.max=2&connection.workers=1', options: { readOnly: true } },
};

describeOnEachDatabase('whoever gives up keeps no place', (database) => {
  for (const [line, { settings, options }] of Object.entries(lines)) {
    if (line !== 'the one that writes' && database.name !== 'sqlite-file') continue;

    it(`in the line for ${line}`, async () => {
      const clock = new FakeClock();
      const narrow = {
        ...database,
        freshUrl: async () => `${await database.freshUrl()}?${settings}&pool.maxWaiting=5`,
      };
      const { provider, unitOfWork } = await openUnits(narrow, { clock });
      const left = Promise.withResolvers<void>();
      const entered = Promise.withResolvers<void>();
      const holder = unitOfWork.run(async ({ repositories: { things } }) => {
        await things.findMany({});
        entered.resolve();
        await left.promise;
      }, options);
      await entered.promise;
      for (let round = 0; round < 2; round += 1) {
        const outcomes = Array.from({ length: 5 }, () =>
          rejectionOf(unitOfWork.run(async () => undefined, { ...options, timeout: 20 })),
        );
        await until(() => provider.stats().waiting === 5);
        clock.advance(20);
        for (const error of await Promise.all(outcomes))
          expect(error).to.be.instanceOf(TransactionTimeoutError);
        await until(() => provider.stats().waiting === 0, 1_000);
      }
      const begun = rejectionOf(unitOfWork.begin({ ...options, timeout: 20 }));
      await until(() => provider.stats().waiting === 1);
      clock.advance(20);
      expect(await begun).to.be.instanceOf(TransactionTimeoutError);
      await until(() => provider.stats().waiting === 0, 1_000);
      left.resolve();
      await holder;
      await unitOfWork.run(async () => undefined, options);
      await until(() => provider.stats().busy === 0);
      await provider.close();
    });
  }
});

describeOnDatabase(
  'sqlite-file',
  'whoever gives up, while somebody else holds the lock of the file',
  (database) => {
    for (const isOpen of [true, false]) {
      it(`lets the next one have the writer, ${isOpen ? 'where it is open' : 'also where it is still to be opened'}`, async () => {
        const url = await database.freshUrl();
        const other = new Database(new URL(url).pathname);
        // Not yet a write-ahead log: who opens it has to change that, and needs the lock for it.
        other.exec('create table things (id)');
        const provider = DatabaseProviderFactory.createProvider<object>({ url, lockTimeout: 600_000 });
        const unitOfWork = new UnitOfWork(provider);
        if (isOpen) await provider.exec('delete from things');
        other.exec('begin exclusive');
        for (let round = 0; round < 3; round += 1) {
          const unit = rejectionOf(unitOfWork.run(async () => undefined, { timeout: 20 }));
          await new Promise((resolve) => setImmediate(resolve));
          expect(provider.stats().waiting).to.equal(0);
          expect(await unit).to.be.instanceOf(TransactionTimeoutError);
        }
        expect(await rejectionOf(unitOfWork.begin({ timeout: 20 }))).to.be.instanceOf(
          TransactionTimeoutError,
        );
        other.exec('rollback');
        other.close();
        await unitOfWork.run(async () => undefined);
        await until(() => provider.stats().busy === 0);
        await provider.close();
      });
    }
  },
);
