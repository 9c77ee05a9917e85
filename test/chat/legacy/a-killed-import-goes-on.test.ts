import BetterSqlite3 from 'better-sqlite3';
import { expect } from 'chai';
import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { withLegacyTables } from '../../../src/chat/legacy/legacy-tables.ts';
import type { ChatStore } from '../../../src/chat/index.ts';
import { ConfigurationError, DatabaseBusyError } from '../../../src/core/index.ts';
import { startProgram } from '../../support/child-program.ts';
import { describeOnDatabase } from '../../support/database.ts';
import { isSoak, soakCount } from '../../support/engines.ts';
import { rejectionOf } from '../../support/rejection.ts';
import { pickSeed, seededRandom } from '../../support/seeded-random.ts';
import { makeTempDirectory } from '../../support/temp-directory.ts';
import type { ImportingPlan } from './importing-program.ts';
import {
  changeLegacyDatabase,
  legacyKey,
  legacyTime,
  lookAtFolder,
  makeLegacyDatabase,
  sealLegacy,
  unpackLegacyDatabase,
} from './legacy-files.ts';
import { dumpTarget, importFrom, openTarget } from './legacy-target.ts';

const program = new URL('importing-program.ts', import.meta.url);
/** Half of them on each engine. */
const kills = soakCount(200) / 2;
const threads = isSoak ? 1_000 : 60;

/** The first threads of the application's database, with faults of all sorts among them. */
function makeSource(): string {
  const file = unpackLegacyDatabase(threads);
  changeLegacyDatabase(file, (database) => {
    database.exec(`
      update context_threads set id = 'thread-' || rowid where rowid % 7 = 0;
      update context_threads set messages = substr(messages, 2) where rowid % 11 = 0;
      update context_threads set messages = replace(messages, '"role":"assistant"', '"role":"robot"') where rowid % 13 = 0;
      update context_threads set messages = (select messages from context_threads where rowid = 1) where rowid % 17 = 0;
      update users set email = 'user0@example.com ' where rowid = 5`);
  });
  return file;
}

for (const name of ['sqlite-file', 'postgres'] as const) {
  describeOnDatabase(name, 'an import that is killed', (database) => {
    it('goes on, and ends with the database of one that was not', async function () {
      this.timeout(1_800_000);
      const seed = pickSeed();
      const random = seededRandom(seed);
      const sources = [makeSource(), makeLegacyDatabase({ threads: [{ id: 'one-more' }] })];
      const before = sources.map(lookAtFolder);
      await using whole = await openTarget(await database.freshUrl());
      await importFrom(whole, sources);
      const expected = await dumpTarget(whole.provider);

      const key = randomBytes(32).toString('base64');
      const places = new Set<string>();
      let [done, ended] = [0, 0];
      while (done < kills) {
        const url = await database.freshUrl();
        const stateFolder = join(makeTempDirectory('state'), 'snapshots');
        const plan: ImportingPlan = { url, sources, stateFolder, key, batchSize: 25 };
        for (let attempt = 0; ; attempt += 1) {
          const isLast = done >= kills || attempt === 8;
          const victim = startProgram(program, [JSON.stringify(plan)]);
          await victim.line(0);
          if (!isLast) {
            // At a commit that is picked by its number, or somewhere before the first one.
            const line = Math.floor(random() * 8);
            await Promise.race([victim.line(line).catch(() => undefined), victim.ended]);
            await wait(random() * 20);
            victim.kill('SIGKILL');
          }
          const end = await victim.ended;
          if (end.signal === 'SIGKILL') {
            done += 1;
            places.add(victim.lines.at(-1) ?? '');
            continue;
          }
          expect(end.code, `seed ${seed}: ${end.stderr}`).to.equal(0);
          expect(victim.lines.at(-1), `seed ${seed}`).to.equal('end 0');
          ended += 1;
          break;
        }
        await using store = await openTarget(url);
        expect(await dumpTarget(store.provider), `seed ${seed}`).to.deep.equal(expected);
        expect(existsSync(stateFolder), 'snapshots').to.equal(false);
      }
      expect(sources.map(lookAtFolder)).to.deep.equal(before);
      expect(places.size, 'places of kills').to.be.greaterThan(3);
      console.log(
        `  ${done} kills at ${places.size} places, ${ended} imports, each as one that was not killed`,
      );
    });

    it('sees the source as it was, whatever became of it meanwhile', async () => {
      const source = makeLegacyDatabase({
        threads: Array.from({ length: 30 }, (_, index) => ({ id: `t${index}` })),
      });
      const stateFolder = join(makeTempDirectory('state'), 'snapshots');
      await using store = await openTarget(await database.freshUrl());
      const stop = new Error('stopped by the test');
      const stopped = importFrom(store, [source], {
        stateFolder,
        batchSize: 10,
        onProgress: ({ done }) => {
          if (done >= 10) throw stop;
        },
      });
      expect(await rejectionOf(stopped)).to.equal(stop);
      expect(statSync(stateFolder).mode & 0o777).to.equal(0o700);
      for (const file of readdirSync(stateFolder)) {
        expect(statSync(join(stateFolder, file)).mode & 0o077, file).to.equal(0);
      }
      changeLegacyDatabase(source, (legacy) => legacy.exec("update context_threads set title = 'later'"));
      const { proof, isResumed } = await importFrom(store, [source], { stateFolder });
      expect({ isResumed, differences: proof.differences }).to.deep.equal({
        isResumed: true,
        differences: 0,
      });
      expect(await store.threads.count({ title: 'later' })).to.equal(0);
      expect(await store.threads.count({})).to.equal(30);

      // Behind the end no snapshot is there any more, and the source is another one.
      const again = await rejectionOf(importFrom(store, [source], { stateFolder }));
      expect(again)
        .to.be.instanceOf(ConfigurationError)
        .and.to.have.property('message')
        .that.includes('another state');
      expect(existsSync(stateFolder)).to.equal(false);
    });

    it('commits nothing beside another process that has come further', async () => {
      // So many transactions that the other process has its turn between two of them.
      const source = makeLegacyDatabase({
        threads: Array.from({ length: 1_000 }, (_, index) => ({ id: `t${index}` })),
      });
      await using store = await openTarget(await database.freshUrl());
      let told = 0;
      let moved: Promise<unknown> = Promise.resolve();
      // How far it is belongs to the transaction of what came in: where the one cannot be noted, the other is not there.
      const stopped = importFrom(store, [source], {
        batchSize: 2,
        onProgress: ({ done }) => {
          told = done;
          if (done === 10) moved = moveOn(store);
        },
      });
      expect(await rejectionOf(stopped)).to.be.instanceOf(DatabaseBusyError);
      await moved;
      // It may have come some batches further before the other one did.
      expect(await store.threads.count({})).to.equal(told);
    });

    it('keeps its snapshots where a database is forgotten, and takes no keys away', async () => {
      const users = Array.from({ length: 20 }, (_, index) => ({
        id: `u${index}`,
        email: `u${index}@example.org`,
        api_keys: JSON.stringify({ openai: { key: sealLegacy(`sk-${index}`), createdAt: legacyTime } }),
      }));
      const sources = [makeLegacyDatabase({ users }), makeLegacyDatabase({ threads: [{ id: 'one' }] })];
      const stateFolder = join(makeTempDirectory('state'), 'snapshots');
      await using store = await openTarget(await database.freshUrl());
      const stopped = importFrom(store, sources, {
        stateFolder,
        batchSize: 5,
        onProgress: () => {
          throw new Error('stopped by the test');
        },
      });
      expect(await rejectionOf(stopped)).to.be.instanceOf(Error);
      changeLegacyDatabase(sources[1]!, (legacy) =>
        legacy.exec("update context_threads set title = 'later'"),
      );
      for (const [named, key, words] of [
        [[sources[0]!], legacyKey, 'Name all of them'],
        [sources, undefined, 'no legacy key'],
      ] as const) {
        expect(await rejectionOf(importFrom(store, named, { stateFolder, legacyKey: key })))
          .to.be.instanceOf(ConfigurationError)
          .and.to.have.property('message')
          .that.includes(words);
      }
      const { proof, quarantine } = await importFrom(store, sources, { stateFolder });
      expect({ differences: proof.differences, leftOut: quarantine.leftOut }).to.deep.equal({
        differences: 0,
        leftOut: 0,
      });
    });

    it('counts what it has brought in alone, where it began among other rows, whoever says so again', async () => {
      const source = makeLegacyDatabase({
        threads: Array.from({ length: 30 }, (_, index) => ({ id: `t${index}` })),
      });
      const stateFolder = join(makeTempDirectory('state'), 'snapshots');
      await using store = await openTarget(await database.freshUrl());
      await importFrom(store, [makeLegacyDatabase({})]);
      await withLegacyTables(store.provider.db).deleteFrom('legacy_imports').execute();
      await store.conversations.startThread({ title: 'Mine' });
      const stopped = importFrom(store, [source], {
        stateFolder,
        intoExisting: true,
        batchSize: 10,
        onProgress: () => {
          throw new Error('stopped by the test');
        },
      });
      expect(await rejectionOf(stopped)).to.be.instanceOf(Error);
      for (const intoExisting of [false, true, false]) {
        const { proof } = await importFrom(store, [source], { stateFolder, intoExisting });
        expect(proof.examples, String(intoExisting)).to.deep.equal([]);
      }
      expect(await store.threads.count({})).to.equal(31);
    });

    it('counts the whole tables where it began alone, until it is said that others may write there', async () => {
      const source = makeLegacyDatabase({ threads: [{ id: 'one' }] });
      await using store = await openTarget(await database.freshUrl());
      await importFrom(store, [source]);
      await store.conversations.startThread({ title: 'Mine' });
      const differences = [];
      for (const intoExisting of [false, true, false]) {
        differences.push((await importFrom(store, [source], { intoExisting })).proof.differences);
      }
      expect(differences).to.deep.equal([1, 0, 1]);
    });

    it('knows a source again whichever way its snapshot was taken', async () => {
      const source = makeLegacyDatabase({ threads: [{ id: 'one' }] });
      const writer = new BetterSqlite3(source);
      try {
        writer.exec("pragma journal_mode = wal; update context_threads set title = 'new'");
        await using store = await openTarget(await database.freshUrl());
        // Just written: by the online backup. Written long ago, byte by byte.
        await importFrom(store, [source]);
        const longAgo = new Date(Date.now() - 3_600_000);
        for (const ending of ['', '-wal']) utimesSync(`${source}${ending}`, longAgo, longAgo);
        const { proof, isResumed } = await importFrom(store, [source]);
        expect({ isResumed, differences: proof.differences }).to.deep.equal({
          isResumed: true,
          differences: 0,
        });
      } finally {
        writer.close();
      }
    });

    it('takes no snapshot for its own that was changed', async () => {
      const source = makeLegacyDatabase({
        threads: Array.from({ length: 30 }, (_, index) => ({ id: `t${index}` })),
      });
      const stateFolder = join(makeTempDirectory('state'), 'snapshots');
      await using store = await openTarget(await database.freshUrl());
      const stopped = importFrom(store, [source], {
        stateFolder,
        batchSize: 10,
        onProgress: () => {
          throw new Error('stopped by the test');
        },
      });
      expect(await rejectionOf(stopped)).to.be.instanceOf(Error);
      writeFileSync(join(stateFolder, 'legacy-1.db'), 'no database any more');
      const { proof } = await importFrom(store, [source], { stateFolder });
      expect(proof.differences).to.equal(0);
    });
  });
}

/** As another process would that imports as well. */
function moveOn({ provider }: ChatStore): Promise<unknown> {
  return withLegacyTables(provider.db).updateTable('legacy_imports').set({ last_rowid: '-5' }).execute();
}
