import { expect } from 'chai';
import fc from 'fast-check';
import { sql } from 'kysely';
import { inspect } from 'node:util';
import { NotFoundError, StaleEntityError } from '../../../src/core/foundation/errors/entity-errors.ts';
import { DecryptionError } from '../../../src/core/foundation/errors/security-errors.ts';
import { ValidationError } from '../../../src/core/foundation/errors/validation-error.ts';
import { Secret } from '../../../src/core/foundation/secret.ts';
import type { DatabaseProvider } from '../../../src/core/provider/database-provider.ts';
import type { RowCipher } from '../../../src/core/security/index.ts';
import { describeOnEachDatabase } from '../../support/database.ts';
import { rejectionOf } from '../../support/rejection.ts';
import {
  type byId,
  byNumber,
  makePatient,
  makeRing,
  openPatients,
  patientsOf,
  revealed,
  type PatientRepository,
  type PatientTables,
} from './patients.ts';

const canary = 'geheim-7f3a';

describeOnEachDatabase('encrypted columns hold no plaintext', (database) => {
  const ring = makeRing('old');
  let provider: DatabaseProvider<PatientTables>;
  let patients: PatientRepository;
  let cipher: RowCipher<(typeof byId)['columns']>;

  before(async () => {
    provider = await openPatients(await database.freshUrl());
    ({ patients, cipher } = patientsOf(provider, ring));
  });

  beforeEach(() => provider.db.deleteFrom('patients').execute());
  after(() => provider.close());

  async function storedText(): Promise<string> {
    return JSON.stringify(await provider.db.selectFrom('patients').selectAll().execute());
  }

  it('whatever the text, on every way in, and every way out gives it back', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.string({ unit: 'grapheme', maxLength: 40 }),
        fc.option(fc.string({ unit: 'grapheme' }), { nil: null }),
        async (text, notes) => {
          const secret = () => new Secret(canary + text);
          const note = notes === null ? null : new Secret(canary + notes);
          const first = makePatient({ email: secret(), notes: note });
          const second = makePatient({ email: secret(), notes: note });
          const third = makePatient({ email: secret(), notes: note });
          const stored = await patients.insert(first);
          await patients.insertMany([second]);
          await patients.upsert(third);
          const updated = await patients.update({ ...stored, email: new Secret(`${canary}new`) });
          const upserted = await patients.upsert({ ...third, notes: null });
          expect(revealed(updated)).to.include({ email: `${canary}new`, version: 2 });
          expect(upserted.notes).to.equal(null);
          expect(await storedText()).not.to.include(canary);

          const wanted = [revealed(updated), revealed(second), revealed(upserted)];
          const ways = [
            await patients.findMany({}, { orderBy: 'number' }),
            (await patients.page({}, { orderBy: 'number' })).items,
            await gather(patients.stream({}, { orderBy: 'number' })),
            await Promise.all([first, second, third].map(({ id }) => patients.getById(id))),
          ];
          for (const found of ways) expect(found.map(revealed)).to.deep.equal(wanted);
          await provider.db.deleteFrom('patients').execute();
        },
      ),
      { numRuns: 25 },
    );
  });

  it('and an entity prints none', async () => {
    const stored = await patients.insert(
      makePatient({ email: new Secret(canary), notes: new Secret(canary) }),
    );
    for (const text of [JSON.stringify(stored), inspect(stored, { depth: 10, showHidden: true })]) {
      expect(text).to.include('[redacted]').and.not.include(canary);
    }
  });

  it('while they are found by their blind index, as they are normalised', async () => {
    const ada = await patients.insert(makePatient({ email: new Secret('Ada@Example.org') }));
    await patients.insert(makePatient({ email: new Secret('grace@example.org') }));
    for (const asked of ['ada@example.org', new Secret(' ADA@example.ORG ')]) {
      expect((await patients.findFirst(cipher.equals('email', asked)))?.id).to.equal(ada.id);
    }
    expect(await patients.count(cipher.equals('email', 'nobody@example.org'))).to.equal(0);
    expect(ada.email.reveal()).to.equal('Ada@Example.org');
  });

  it('and are neither compared, sorted nor selected, but for NULL', async () => {
    const filters = [
      { email: 'a' },
      { email: { like: 'liminal%' } },
      { or: [{ not: { notes: { ne: 'a' } } }] },
      { notes: { isNull: true, eq: 'a' } },
    ];
    const asks = [
      ...filters.map((filter) => () => patients.findMany(filter)),
      () => patients.count({ email: { gt: '' } }),
      () => patients.findMany({}, { orderBy: 'email' }),
      () => patients.page({}, { orderBy: ['number', 'notes desc'] }),
      () => patients.findMany({}, { select: ['id', 'email'] }),
    ];
    for (const ask of asks) {
      const error = await rejectionOf(ask());
      expect(error).to.be.instanceOf(ValidationError);
      expect(error).to.have.property('message').that.includes('is encrypted');
    }
    await patients.insert(makePatient({ notes: new Secret('a') }));
    await patients.insert(makePatient());
    expect(await patients.count({ notes: null })).to.equal(1);
    expect(await patients.count({ notes: { isNull: false } })).to.equal(1);
  });

  it('and do not open in another row, another column, or changed', async () => {
    const [one, other] = [makePatient({ notes: new Secret(canary) }), makePatient()];
    await patients.insertMany([one, other]);
    const moves = [
      sql`update patients set email = (select email from patients where id = ${one.id}) where id = ${other.id}`,
      sql`update patients set notes = email where id = ${other.id}`,
      sql`update patients set notes = 'never sealed' where id = ${other.id}`,
      sql`update patients set notes = '' where id = ${other.id}`,
      sql`update patients set id = ${crypto.randomUUID()} where id = ${other.id}`,
    ];
    for (const move of moves) {
      await provider.db.deleteFrom('patients').execute();
      await patients.insertMany([one, other]);
      await move.execute(provider.db);
      const reads = [
        () => patients.findMany({}),
        () => patients.page({}),
        () => patients.findFirst({}, { orderBy: 'number desc' }),
        () => gather(patients.stream({})),
      ];
      for (const read of reads) {
        const error = await rejectionOf(read());
        expect(error).to.be.instanceOf(DecryptionError).and.include({ table: 'patients' });
        expect(inspect(error, { depth: 10, showHidden: true })).not.to.include(canary);
      }
      expect(revealed(await patients.getById(one.id))).to.deep.equal(revealed(one));
    }
  });

  it('and a value whose key is gone is an error too, as long as it is', async () => {
    const both = makeRing('new', 'former');
    const patient = makePatient();
    await patientsOf(provider, both.withActive('former')).patients.insert(patient);
    const error = await rejectionOf(
      patientsOf(provider, both.without('former')).patients.getById(patient.id),
    );
    expect(error).to.be.instanceOf(DecryptionError).and.include({ table: 'patients', column: 'email' });
    expect(revealed(await patientsOf(provider, both).patients.getById(patient.id))).to.deep.equal(
      revealed(patient),
    );
  });

  it('and an upsert by other columns goes by what names the row', async () => {
    const { patients: numbered } = patientsOf(provider, ring, byNumber);
    const first = await numbered.insert(makePatient({ notes: new Secret('first') }));
    const again = await numbered.upsert(
      { ...first, id: crypto.randomUUID(), notes: new Secret('second') },
      { conflict: ['clinic', 'number'] },
    );
    expect(again).to.include({ id: first.id, version: 2 });
    expect((await numbered.getById(first.id)).notes?.reveal()).to.equal('second');
    for (const [repository, conflict] of [
      [numbered, ['id']],
      [patients, ['clinic', 'number']],
    ] as const) {
      const error = await rejectionOf(repository.upsert(first, { conflict }));
      expect(error).to.be.instanceOf(ValidationError).with.nested.property('issues[0].path[0]', 'conflict');
    }
    expect((await numbered.getById(first.id)).notes?.reveal()).to.equal('second');
  });

  it('and an update from another place than the row has changes nothing', async () => {
    const { patients: numbered } = patientsOf(provider, ring, byNumber);
    const stored = await numbered.insert(makePatient({ notes: new Secret('stays') }));
    for (const moved of [{ clinic: 'south' }, { number: stored.number + 1_000 }]) {
      const error = await rejectionOf(numbered.update({ ...stored, ...moved, notes: new Secret('lost') }));
      expect(error).to.be.instanceOf(NotFoundError);
      const stale = await rejectionOf(numbered.update({ ...stored, ...moved, version: 9 }));
      expect(stale).to.be.instanceOf(StaleEntityError);
      expect(revealed(await numbered.getById(stored.id))).to.deep.equal(revealed(stored));
    }
    const updated = await numbered.update({ ...stored, notes: new Secret('changed') });
    expect(updated.notes?.reveal()).to.equal('changed');
  });

  it('also where an id comes in upper case', async () => {
    const patient = makePatient({ notes: new Secret('mixed') });
    const stored = await patients.insert({ ...patient, id: patient.id.toUpperCase() });
    expect(stored.id).to.equal(patient.id);
    expect((await patients.getById(patient.id)).notes?.reveal()).to.equal('mixed');
  });

  it('while texts that look like ids of one row are two places', async () => {
    const { patients: numbered } = patientsOf(provider, ring, byNumber);
    const clinic = crypto.randomUUID();
    const lower = makePatient({ clinic, number: 1, notes: new Secret('lower') });
    const upper = makePatient({ clinic: clinic.toUpperCase(), number: 1, notes: new Secret('upper') });
    await numbered.insertMany([lower, upper]);
    expect((await numbered.getById(upper.id)).notes?.reveal()).to.equal('upper');
    await sql`update patients set notes = (select notes from patients where id = ${lower.id}) where id = ${upper.id}`.execute(
      provider.db,
    );
    expect(await rejectionOf(numbered.getById(upper.id))).to.be.instanceOf(DecryptionError);
    expect((await numbered.getById(lower.id)).notes?.reveal()).to.equal('lower');
  });

  it('and what is no Secret is refused, and never repeated', async () => {
    const error = await rejectionOf(patients.insert(makePatient({ email: canary as never })));
    expect(error).to.be.instanceOf(ValidationError);
    expect(inspect(error, { depth: 10, showHidden: true })).not.to.include(canary);
    expect(await patients.count({})).to.equal(0);
  });
});

async function gather<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const gathered: Item[] = [];
  for await (const item of items) gathered.push(item);
  return gathered;
}
