import { expect } from 'chai';
import { sql } from 'kysely';
import { systemClock } from '../../../src/core/foundation/clock.ts';
import { ConfigurationError } from '../../../src/core/foundation/errors/configuration-error.ts';
import { KeyInUseError, UnknownKeyError } from '../../../src/core/foundation/errors/security-errors.ts';
import { ValidationError } from '../../../src/core/foundation/errors/validation-error.ts';
import { Secret } from '../../../src/core/foundation/secret.ts';
import type { DatabaseProvider } from '../../../src/core/provider/database-provider.ts';
import {
  keyStatus,
  retireKey,
  rotateKeys,
  type KeyRing,
  type RotationProvider,
} from '../../../src/core/security/index.ts';
import { describeOnEachDatabase } from '../../support/database.ts';
import { rejectionOf } from '../../support/rejection.ts';
import {
  byId,
  makePatient,
  makeRing,
  openPatients,
  patientsOf,
  revealed,
  type Patient,
  type PatientTables,
} from './patients.ts';

const rows = 25;

describeOnEachDatabase('a rotation leaves nothing behind', (database) => {
  let provider: DatabaseProvider<PatientTables>;
  let ring: KeyRing;
  let stored: Patient[];
  const tables = [byId];

  before(async () => {
    provider = await openPatients(await database.freshUrl());
  });

  beforeEach(async () => {
    await provider.db.deleteFrom('patients').execute();
    ring = makeRing('new', 'old');
    stored = Array.from({ length: rows }, (_, index) =>
      makePatient({ notes: index % 2 === 0 ? null : new Secret(`note ${index}`) }),
    );
    await patientsOf(provider, ring.withActive('old')).patients.insertMany(stored);
  });

  after(() => provider.close());

  async function expectEqual(by: KeyRing): Promise<void> {
    const { patients, cipher } = patientsOf(provider, by);
    const found = await patients.findMany({}, { orderBy: 'number' });
    expect(found.map(revealed)).to.deep.equal(stored.map(revealed));
    for (const { id, email } of stored) {
      expect((await patients.findFirst(cipher.equals('email', email)))?.id).to.equal(id);
    }
  }

  it('whatever the size of its batches, and does nothing when it is called again', async () => {
    for (const batchSize of [1, 7, rows, 1_000]) {
      const progress: number[] = [];
      const onProgress = ({ rotated }: { rotated: number }) => progress.push(rotated);
      const options = { ring, tables, batchSize, throttle: 0, onProgress };
      const [report] = await rotateKeys(provider, options);
      expect(report).to.include({
        table: 'patients',
        total: rows,
        rotated: rows,
        overtaken: 0,
        unreadable: 0,
      });
      expect(progress.at(-1)).to.equal(rows);
      expect(progress).to.have.lengthOf(Math.ceil(rows / batchSize));
      await expectEqual(ring.without('old'));
      expect((await rotateKeys(provider, options))[0]).to.include({ total: 0, rotated: 0, pass: 1 });
      // Back again, as a rotation that is rolled back.
      const back = ring.withActive('old');
      expect((await rotateKeys(provider, { ring: back, tables, throttle: 0 }))[0]).to.include({
        rotated: rows,
      });
      await expectEqual(back.without('new'));
    }
  });

  it('also where a part of the rows was rotated before it was rolled back', async () => {
    const ended = new Error('ended');
    const onProgress = () => {
      throw ended;
    };
    expect(await rejectionOf(rotateKeys(provider, { ring, tables, batchSize: 10, onProgress }))).to.equal(
      ended,
    );
    const { keys } = await keyStatus(provider, { ring, tables });
    expect(keys['new']).to.be.greaterThan(0);
    expect(keys['old']).to.be.greaterThan(0);
    await expectEqual(ring);
    const back = ring.withActive('old');
    await rotateKeys(provider, { ring: back, tables });
    await expectEqual(await retireKey(provider, { ring: back, tables, keyId: 'new' }));
  });

  it('and tells which key each column uses, and lets none go that is in use', async () => {
    const notes = stored.filter((patient) => patient.notes !== null).length;
    const before = await keyStatus(provider, { ring, tables });
    expect(before.keys).to.deep.equal({ new: 0, old: rows * 2 + notes });
    expect(before.columns).to.deep.equal([
      { table: 'patients', column: 'email', holds: 'sealed', keys: { old: rows }, unknown: 0 },
      { table: 'patients', column: 'email_index', holds: 'index', keys: { old: rows }, unknown: 0 },
      { table: 'patients', column: 'notes', holds: 'sealed', keys: { old: notes }, unknown: 0 },
    ]);
    const error = await rejectionOf(retireKey(provider, { ring, tables, keyId: 'old' }));
    expect(error).to.be.instanceOf(KeyInUseError).and.include({ keyId: 'old' });
    expect(error).to.have.deep.nested.property('uses[1]', {
      table: 'patients',
      column: 'email_index',
      rows,
    });
    await rotateKeys(provider, { ring, tables });
    const next = await retireKey(provider, { ring, tables, keyId: 'old' });
    expect(next.ids).to.deep.equal(['new']);
    await expectEqual(next);
  });

  it('and one row, or one index alone, still needs its key', async () => {
    await rotateKeys(provider, { ring, tables });
    const [last] = stored;
    const former = patientsOf(provider, ring.withActive('old'));
    await provider.db
      .updateTable('patients')
      .set({ email_index: former.cipher.indexOf('email', last!.email) })
      .where('id', '=', last!.id)
      .execute();
    const error = await rejectionOf(retireKey(provider, { ring, tables, keyId: 'old' }));
    expect(error).to.have.deep.property('uses', [{ table: 'patients', column: 'email_index', rows: 1 }]);
    expect((await rotateKeys(provider, { ring, tables }))[0]).to.include({ rotated: 1 });
    await expectEqual(await retireKey(provider, { ring, tables, keyId: 'old' }));
  });

  it('and refuses to retire the active key, and one that is not there', async () => {
    expect(await rejectionOf(retireKey(provider, { ring, tables, keyId: 'new' }))).to.be.instanceOf(
      ConfigurationError,
    );
    expect(await rejectionOf(retireKey(provider, { ring, tables, keyId: 'nobody' }))).to.be.instanceOf(
      UnknownKeyError,
    );
  });

  it('and a key that was taken away too early is named, and nothing is lost', async () => {
    const early = ring.without('old');
    const error = await rejectionOf(rotateKeys(provider, { ring: early, tables }));
    expect(error).to.be.instanceOf(UnknownKeyError).and.include({ keyId: 'old' });
    expect(error).to.have.property('message').that.includes('patients.email');
    expect((await keyStatus(provider, { ring: early, tables })).keys)
      .to.have.property('old')
      .that.is.above(0);
    await expectEqual(ring);
    await rotateKeys(provider, { ring, tables });
    await expectEqual(early);
  });

  it('and undoes no write that comes between its look and its own', async () => {
    const { patients } = patientsOf(provider, ring);
    const [first, second] = stored;
    let isFirst = true;
    const slow: RotationProvider<PatientTables> = {
      db: provider.db,
      async batch(members) {
        if (isFirst) {
          isFirst = false;
          stored[0] = await patients.update({ ...first!, email: new Secret('meanwhile@example.org') });
          // By a process that has not heard of the new key.
          const former = patientsOf(provider, ring.withActive('old')).patients;
          stored[1] = await former.update({ ...second!, notes: new Secret('by an old process') });
        }
        return provider.batch(members);
      },
    };
    const [report] = await rotateKeys(slow, { ring, tables, batchSize: rows, throttle: 0 });
    expect(report).to.include({ rotated: rows - 1, overtaken: 2 });
    await expectEqual(await retireKey(provider, { ring, tables, keyId: 'old' }));
  });

  it('while what does not open stays as it is, and is counted', async () => {
    const [broken] = stored;
    const { id } = broken!;
    await sql`update patients set email = ${'never sealed'} where id = ${id}`.execute(provider.db);
    const [report] = await rotateKeys(provider, { ring, tables });
    expect(report).to.include({ rotated: rows - 1, unreadable: 1 });
    const { columns } = await keyStatus(provider, { ring, tables });
    expect(columns[0]).to.deep.include({ column: 'email', unknown: 1 });
    const row = await provider.db
      .selectFrom('patients')
      .select('email')
      .where('id', '=', id)
      .executeTakeFirst();
    expect(row).to.deep.equal({ email: 'never sealed' });
  });

  it('but a row whose unique index another one has, which holds up no other', async () => {
    await sql`create unique index patients_email on patients (email_index)`.execute(provider.db);
    try {
      const twin = makePatient({ email: stored[0]!.email });
      await patientsOf(provider, ring).patients.insert(twin);
      const [report] = await rotateKeys(provider, { ring, tables, batchSize: 10, throttle: 0 });
      expect(report).to.include({ rotated: rows - 1, taken: 1, overtaken: 0, pass: 2 });
      expect(await rejectionOf(retireKey(provider, { ring, tables, keyId: 'old' }))).to.be.instanceOf(
        KeyInUseError,
      );
      await patientsOf(provider, ring).patients.delete(twin);
      expect((await rotateKeys(provider, { ring, tables }))[0]).to.include({ rotated: 1, taken: 0 });
      await expectEqual(await retireKey(provider, { ring, tables, keyId: 'old' }));
    } finally {
      await sql`drop index patients_email`.execute(provider.db);
    }
  });

  it('and rests between batches, and ends where it is told to', async () => {
    const delays: number[] = [];
    const clock: typeof systemClock = {
      ...systemClock,
      schedule(delay, callback) {
        delays.push(delay);
        return systemClock.schedule(0, callback);
      },
    };
    await rotateKeys(provider, { ring, tables, batchSize: 10, throttle: 40, clock });
    expect(delays).to.deep.equal([40, 40]);

    const stop = new AbortController();
    const reason = new Error('enough');
    const back = ring.withActive('old');
    const onProgress = () => stop.abort(reason);
    const rotation = rotateKeys(provider, {
      ring: back,
      tables,
      batchSize: 10,
      onProgress,
      signal: stop.signal,
    });
    expect(await rejectionOf(rotation)).to.equal(reason);
    expect((await keyStatus(provider, { ring, tables })).columns[0]?.keys).to.deep.equal({
      new: 15,
      old: 10,
    });
    await expectEqual(ring);
  });

  it('and its options are checked', async () => {
    const error = await rejectionOf(rotateKeys(provider, { ring, tables: [], batchSize: 0, throttle: -1 }));
    expect(error).to.be.instanceOf(ValidationError).with.property('issues').that.has.lengthOf(3);
    expect(await rejectionOf(keyStatus(provider, { ring, tables: [] }))).to.be.instanceOf(ValidationError);
  });
});
