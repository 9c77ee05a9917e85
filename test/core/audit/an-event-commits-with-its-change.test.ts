import { expect } from 'chai';
import { sql, type Kysely } from 'kysely';
import {
  SerializationFailureError,
  UnitOfWork,
  runAs,
  type DatabaseProvider,
} from '../../../src/core/index.ts';
import { AuditLog, type AuditEvent } from '../../../src/core/audit/index.ts';
import { describeOnEachDatabase } from '../../support/database.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { rejectionOf } from '../../support/rejection.ts';
import { auditKeys, readRows } from './audit-fixture.ts';
import { findUnmatched, openNotes, type NotedTables } from './writers.ts';

const keys = auditKeys();
const matched = { untold: [], unchanged: [], twice: 0 };

describeOnEachDatabase('an event commits with its change', (database) => {
  let provider: DatabaseProvider<NotedTables>;
  let log: AuditLog;
  let clock: FakeClock;

  beforeEach(async () => {
    provider = await openNotes(await database.freshUrl());
    clock = new FakeClock();
    log = new AuditLog(provider, { keys, clock });
  });
  afterEach(() => provider.close());

  const read = () => readRows(provider);
  const eventOf = (id: string): AuditEvent => ({ action: 'create', entity: { type: 'note', id } });

  async function note(db: Kysely<NotedTables>, name: string): Promise<void> {
    await db.insertInto('notes').values({ name }).execute();
    await log.record(db, eventOf(name));
  }

  it('and is written by nobody before', async () => {
    await provider.transaction(async (tx) => {
      await note(tx, 'a');
      expect(await tx.selectFrom('audit_logs').selectAll().execute()).to.deep.equal([]);
    });
    expect(await read()).to.have.lengthOf(1);
  });

  it('and is gone with a transaction, and with a nested unit, that is undone', async () => {
    await rejectionOf(
      provider.transaction(async (tx) => {
        await note(tx, 'a');
        throw new RangeError('undone');
      }),
    );
    const unitOfWork = new UnitOfWork(provider);
    await unitOfWork.run(async ({ db }) => {
      await note(db, 'b');
      await rejectionOf(
        unitOfWork.run(async (inner) => {
          await note(inner.db, 'c');
          throw new RangeError('undone');
        }),
      );
      await unitOfWork.run((inner) => note(inner.db, 'd'));
    });
    expect((await read()).map(({ entity_id: id }) => id)).to.deep.equal(['b', 'd']);
    expect(await findUnmatched(provider)).to.deep.equal(matched);
  });

  it('once, where the work runs again', async () => {
    let runs = 0;
    await new UnitOfWork(provider).run(async ({ db }) => {
      runs += 1;
      await note(db, `run ${runs}`);
      if (runs === 1) throw new SerializationFailureError('Another one was in the way.');
    });
    expect((await read()).map(({ entity_id: id }) => id)).to.deep.equal(['run 2']);
    expect(await findUnmatched(provider)).to.deep.equal(matched);
  });

  it('or neither is there: where the trail cannot be written, nothing is changed', async () => {
    await sql`drop table audit_logs`.execute(provider.db);
    const error = await rejectionOf(provider.transaction((tx) => note(tx, 'a')));
    expect(error).to.be.instanceOf(Error);
    expect(await provider.db.selectFrom('notes').selectAll().execute()).to.deep.equal([]);
  });

  it('at once in a transaction of Kysely’s own', async () => {
    await provider.db.transaction().execute(async (tx) => {
      await note(tx, 'a');
      await note(tx, 'b');
      expect(await tx.selectFrom('audit_logs').selectAll().execute()).to.have.lengthOf(2);
    });
    await rejectionOf(
      provider.db.transaction().execute(async (tx) => {
        await note(tx, 'c');
        throw new RangeError('undone');
      }),
    );
    expect((await log.verify()).isSound).to.equal(true);
    expect(await findUnmatched(provider)).to.deep.equal(matched);
  });

  it('and outside of a transaction, and in one that is read only, it is refused at the call', async () => {
    expect(await rejectionOf(log.record(provider.db, eventOf('a')))).to.include({
      code: 'LIMINAL_VALIDATION',
    });
    await provider.transaction(
      async (tx) => {
        const error = await rejectionOf(log.record(tx, eventOf('a')));
        expect(error).to.include({ code: 'LIMINAL_READ_ONLY_DATABASE' });
      },
      { readOnly: true },
    );
  });

  it('and with the handle of another database it is refused at the call', async () => {
    await using other = await openNotes(await database.freshUrl());
    const fault = {
      path: ['db'],
      message: 'must be of the database that the trail is in, and is of another one',
    };
    await other.transaction(async (tx) => {
      expect(await rejectionOf(log.record(tx, eventOf('a')))).to.deep.include({ issues: [fault] });
    });
    await other.db.transaction().execute(async (tx) => {
      expect(await rejectionOf(log.record(tx, eventOf('a')))).to.deep.include({ issues: [fault] });
    });
    expect([...(await read()), ...(await readRows(other))]).to.deep.equal([]);
  });

  it('as it was at the call, whatever becomes of its objects', async () => {
    await provider.transaction(async (tx) => {
      const value = { list: [1] };
      const changes = [{ field: 'a', new: value }];
      await log.record(tx, { ...eventOf('a'), changes });
      value.list.push(2);
      changes.length = 0;
    });
    expect((await read())[0]!.content).to.equal('{"changes":[{"field":"a","new":{"list":[1]}}]}');
  });

  it('in the name of whoever the code runs for, where the event says nobody else', async () => {
    const ann = { type: 'user', id: 'ann', tenant: 'acme', requestId: 'r1' } as const;
    await runAs(ann, () =>
      provider.transaction(async (tx) => {
        await log.record(tx, eventOf('1'));
        await log.record(tx, { ...eventOf('2'), actor: { type: 'service', id: 'billing' }, requestId: 'r2' });
        await log.record(tx, { ...eventOf('3'), actor: null, tenant: 'other' });
        await log.record(tx, { ...eventOf('4'), tenant: null });
      }),
    );
    const rows = (await read()).toSorted((one, other) => (one.entity_id! < other.entity_id! ? -1 : 1));
    expect(
      rows.map((row) => [row.stream, row.actor_type, row.actor_id, row.tenant, row.request_id]),
    ).to.deep.equal([
      ['tenant:acme', 'user', 'ann', 'acme', 'r1'],
      ['entity:note', 'service', 'billing', null, 'r2'],
      ['tenant:other', null, null, 'other', null],
      ['entity:note', 'user', 'ann', null, 'r1'],
    ]);
  });

  it('in the order in which it came, also where the clock goes back', async () => {
    for (const name of ['a', 'b', 'c']) {
      await provider.transaction((tx) => note(tx, name));
      clock.shiftWall(-3_600_000);
    }
    const rows = await read();
    expect(rows.map(({ entity_id: id, seq }) => [id, seq])).to.deep.equal([
      ['a', 1],
      ['b', 2],
      ['c', 3],
    ]);
    expect(rows.map(({ id }) => id)).to.deep.equal(rows.map(({ id }) => id).toSorted());
    expect((await log.verify()).isSound).to.equal(true);
  });

  it('in a stream of one’s own choice, hundreds of them in one transaction', async () => {
    const own = new AuditLog(provider, { keys, stream: ({ entity }) => `s${entity?.id}` });
    for (let round = 0; round < 2; round += 1) {
      await provider.transaction(async (tx) => {
        for (let n = 0; n < 450; n += 1) await own.record(tx, eventOf(`${n}`));
      });
    }
    const { isSound, streams } = await own.verify();
    expect(isSound).to.equal(true);
    expect(streams.map(({ lastSeq }) => lastSeq)).to.deep.equal(Array.from({ length: 450 }, () => 2));
    expect((await own.anchor()).heads).to.have.lengthOf(450);
  });
});
