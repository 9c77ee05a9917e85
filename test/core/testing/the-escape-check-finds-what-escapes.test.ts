import { expect } from 'chai';
import type { QueryExecutorProvider } from 'kysely';
import { DatabaseProviderFactory, UnitOfWork, type DatabaseProvider } from '../../../src/core/index.ts';
import {
  checkEscape,
  kyselyEscapeSubject,
  unitOfWorkSource,
  type EscapeOptions,
  type EscapeReport,
  type EscapeScope,
  type EscapeSubject,
  type TransactionSource,
} from '../../../src/core/testing/index.ts';
import { describeOnDatabase } from '../../support/database.ts';

type Tables = Record<string, never>;
const options: EscapeOptions = { histories: 120, shrinkFor: 0, seed: 42, watchdog: 30_000 };
const ignore = () => {};

/** Subjects that are broken in one way each, on databases that are not. */
for (const name of ['sqlite-memory', 'postgres'] as const)
  describeOnDatabase(name, 'the escape check finds', (database) => {
    let provider: DatabaseProvider<Tables>;
    let sound: EscapeSubject;

    before(async () => {
      provider = DatabaseProviderFactory.createProvider<Tables>(await database.freshUrl());
      sound = kyselyEscapeSubject(unitOfWorkSource(new UnitOfWork<Tables>(provider), provider));
    });
    after(() => provider.close());
    // Hundreds of histories each, on a machine that may be busy.
    beforeEach(function () {
      this.currentTest?.timeout(300_000);
    });

    /** The sound subject, with every scope replaced by what `change` makes of it. */
    const withScopes = (change: (scope: EscapeScope) => EscapeScope): EscapeSubject => ({
      ...sound,
      transaction: (work) => sound.transaction((scope) => work(change(scope))),
    });

    it('nothing where nothing is broken', async () => {
      const report = await checkEscape(sound, options);
      expect(report.counterexample).to.equal(undefined);
      expect(report.histories).to.equal(120);
    });

    it('rows of transactions that roll nothing back', async () => {
      const db: QueryExecutorProvider = provider.db;
      const source: TransactionSource = { db, transaction: (work) => work(db) };
      const report = await checkEscape(kyselyEscapeSubject(source), options);
      expect(report.escaped).to.be.greaterThan(10);
      expect(report.lost).to.equal(0);
      expect(faultKinds(report)).to.deep.equal(['escaped']);
    });

    it('rows of a handle that is good for ever', async () => {
      let hasEnded = true;
      const subject: EscapeSubject = {
        ...sound,
        async transaction(work) {
          hasEnded = false;
          const openly = (scope: EscapeScope): EscapeScope => ({
            ...scope,
            insert: (id) => (hasEnded ? (sound.insertOutside?.(id) ?? Promise.resolve()) : scope.insert(id)),
          });
          try {
            await sound.transaction((scope) => work(openly(scope)));
          } finally {
            hasEnded = true;
          }
        },
      };
      expect((await checkEscape(subject, options)).escaped).to.be.greaterThan(10);
    });

    it('rows of a nested scope that is not undone', async () => {
      const flat = (scope: EscapeScope): EscapeScope => ({ ...scope, nested: (work) => work(flat(scope)) });
      const report = await checkEscape(withScopes(flat), { ...options, histories: 400 });
      expect(report.escaped).to.be.greaterThan(0);
    });

    it('rows that were acknowledged and are gone', async () => {
      const subject: EscapeSubject = {
        ...sound,
        async transaction(work) {
          const undone = new Error('rolled back, and nobody is told');
          let failure: unknown = undone;
          const undo = async (scope: EscapeScope) => {
            await work(scope).catch((error: unknown) => (failure = error));
            throw failure;
          };
          await sound.transaction(undo).catch((error: unknown) => {
            if (error !== undone) throw error;
          });
        },
      };
      const report = await checkEscape(subject, options);
      expect(report.lost).to.be.greaterThan(10);
      expect(report.escaped).to.equal(0);
    });

    it('inserts that are acknowledged before they are done', async () => {
      const hasty = (scope: EscapeScope): EscapeScope => ({
        ...scope,
        async insert(id) {
          scope.insert(id).catch(ignore);
        },
      });
      expect((await checkEscape(withScopes(hasty), options)).lost).to.be.greaterThan(0);
    });

    it('hooks that are called twice, and hooks of what was rolled back', async () => {
      const twice = (scope: EscapeScope): EscapeScope => ({
        ...scope,
        afterCommit: (hook) => {
          scope.afterCommit?.(hook);
          scope.afterCommit?.(hook);
        },
      });
      expect((await checkEscape(withScopes(twice), options)).misfired).to.be.greaterThan(0);
      const early = (scope: EscapeScope): EscapeScope => ({
        ...scope,
        afterCommit: (hook) => void hook().catch(ignore),
      });
      expect((await checkEscape(withScopes(early), options)).misfired).to.be.greaterThan(0);
    });

    it('errors that hide the first one', async () => {
      const subject: EscapeSubject = {
        ...sound,
        async transaction(work) {
          try {
            await sound.transaction(work);
          } catch {
            throw new Error('something went wrong');
          }
        },
      };
      const report = await checkEscape(subject, options);
      expect(report.masked).to.be.greaterThan(10);
      expect(faultKinds(report)).to.deep.equal(['masked']);
    });

    it('what hangs, and goes on where it may start again', async () => {
      let restarts = 0;
      const hanging: EscapeSubject = {
        ...sound,
        async transaction(work) {
          await sound.transaction(work).catch((error: unknown) => {
            if (error instanceof Error && error.name === 'ScriptedFailure') return new Promise<never>(ignore);
            throw error;
          });
        },
      };
      const short: EscapeOptions = { ...options, histories: 12, watchdog: 1_000 };
      const stuck = await checkEscape(hanging, short);
      expect(stuck.hangs).to.equal(1);
      expect(stuck.histories).to.be.lessThan(12);
      const restarted = await checkEscape({ ...hanging, restart: async () => void (restarts += 1) }, short);
      expect(restarted.histories).to.equal(12);
      expect(restarted.hangs).to.be.greaterThan(1).and.to.equal(restarts);
    });

    it('a smaller history that fails, which can be run again', async () => {
      const db: QueryExecutorProvider = provider.db;
      const subject = kyselyEscapeSubject({ db, transaction: (work) => work(db) });
      const { counterexample, seed } = await checkEscape(subject, { ...options, shrinkFor: 30_000 });
      // Nothing is needed but a row and a failure behind it, or a row after the end.
      expect(counterexample?.trace.length).to.be.lessThan(8);
      const again = await checkEscape(subject, { seed, path: counterexample?.path ?? '' });
      expect(again.histories).to.equal(1);
      expect(again.counterexample?.faults).to.deep.equal(counterexample?.faults);
    });
  });

function faultKinds({ counterexample }: EscapeReport): string[] {
  return [...new Set(counterexample?.faults.map(({ kind }) => kind))];
}
