import { expect } from 'chai';
import { randomBytes } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { Secret } from '../../../src/core/foundation/secret.ts';
import { KeyRing, keyStatus, retireKey } from '../../../src/core/security/index.ts';
import { startProgram } from '../../support/child-program.ts';
import { describeOnDatabase } from '../../support/database.ts';
import { soakCount } from '../../support/engines.ts';
import { pickSeed, seededRandom } from '../../support/seeded-random.ts';
import { byId, makePatient, openPatients, patientsOf, revealed, type Patient } from './patients.ts';
import type { RotatingPlan } from './rotating-program.ts';

const program = new URL('rotating-program.ts', import.meta.url);
/** Half of them on each engine. */
const kills = soakCount(200) / 2;
const rows = soakCount(100_000);
const writers = 4;

for (const name of ['sqlite-file', 'postgres'] as const) {
  describeOnDatabase(name, 'a rotation that is killed', (database) => {
    it('goes on, while every row is read and written, and leaves none behind', async function () {
      this.timeout(1_800_000);
      const seed = pickSeed();
      const random = seededRandom(seed);
      const keys = ['new', 'old'].map((id) => ({ id, key: randomBytes(32).toString('base64') }));
      const ring = KeyRing.of(keys.map(({ id, key }) => ({ id, key: new Secret(key) })));
      const behind = ring.withActive('old');
      const url = await database.freshUrl();
      await using provider = await openPatients({ url, lockTimeout: 10_000 });
      const { patients, cipher } = patientsOf(provider, ring);
      const former = patientsOf(provider, behind).patients;
      const ledger = new Map<string, Patient>();
      for (let from = 0; from < rows; from += 5_000) {
        const some = Array.from({ length: Math.min(5_000, rows - from) }, () =>
          makePatient({ notes: random() < 0.5 ? null : new Secret(`note ${random()}`) }),
        );
        await former.insertMany(some);
        for (const patient of some) ledger.set(patient.id, patient);
      }

      let isOver = false;
      let isUpdated = false;
      const counts = { reads: 0, writes: 0, late: 0 };
      const write = async (writer: number): Promise<void> => {
        const mine = [...ledger.keys()].filter((_, index) => index % writers === writer);
        while (!isOver) {
          // One of them has not heard of the new key yet.
          const repository = writer === 0 && !isUpdated ? former : patients;
          const id = mine[Math.floor(random() * mine.length)] ?? '';
          const known = ledger.get(id)!;
          const email = new Secret(`Writer-${writer}-${counts.writes}@example.org`);
          counts.writes += 1;
          // No version stands in the way: only the rotation may write beside it, and it moves none.
          const changed = await repository.update({ ...known, email });
          ledger.set(id, changed);
          expect((await patients.findFirst(cipher.equals('email', email)))?.id, `seed ${seed}`).to.equal(id);
          const fresh = await repository.insert(makePatient());
          ledger.set(fresh.id, fresh);
          mine.push(fresh.id);
          if (writer === 0) counts.late += 1;
          await wait(random() * 10);
        }
      };
      const read = async (): Promise<void> => {
        while (!isOver) {
          for await (const patient of patients.stream({}, { chunkSize: 200 })) {
            if (patient.email.reveal() !== '') counts.reads += 1;
            if (isOver) break;
          }
        }
      };
      const others = Promise.all([read(), ...Array.from({ length: writers }, (_, index) => write(index))]);
      // Heard of below; until then a failure is nobody's.
      others.catch(() => undefined);

      const left: number[] = [];
      for (let kill = 0; kill < kills; kill += 1) {
        const plan: RotatingPlan = { url, keys, batchSize: 10, throttle: 2 };
        const victim = startProgram(program, [JSON.stringify(plan)]);
        await victim.line(1);
        await wait(random() * 60);
        victim.kill('SIGKILL');
        await victim.ended;
        const { keys: use } = await keyStatus(provider, { ring, tables: [byId] });
        left.push(use['old'] ?? 0);
      }
      isUpdated = true;
      // What it was about to seal when it heard of the key is there once it has come round.
      const { late } = counts;
      while (counts.late < late + 2) await Promise.race([wait(5), others]);
      const plan: RotatingPlan = { url, keys, batchSize: 500, throttle: 0 };
      const last = startProgram(program, [JSON.stringify(plan)]);
      const end = await last.ended;
      expect(end.code, end.stderr).to.equal(0);
      isOver = true;
      await others;

      const status = await keyStatus(provider, { ring, tables: [byId] });
      for (const column of status.columns) {
        expect(column, `seed ${seed}`).to.deep.include({ unknown: 0 });
        expect(Object.keys(column.keys)).to.deep.equal(['new']);
      }
      const alone = await retireKey(provider, { ring, tables: [byId], keyId: 'old' });
      const reader = patientsOf(provider, alone);
      let found = 0;
      for await (const patient of reader.patients.stream({}, { chunkSize: 2_000 })) {
        found += 1;
        expect(revealed(patient), `seed ${seed}`).to.deep.equal(revealed(ledger.get(patient.id)));
      }
      expect(found).to.equal(ledger.size);
      expect(new Set(left).size, 'kills that came before the end').to.be.greaterThan(kills / 2);
      console.log(
        `  ${kills} kills, ${ledger.size} rows, ${counts.writes} updates and ${counts.reads} reads meanwhile, 0 unreadable, 0 left behind`,
      );
    });
  });
}
