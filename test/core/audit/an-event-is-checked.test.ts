import { expect } from 'chai';
import { ValidationError, type DatabaseProvider } from '../../../src/core/index.ts';
import { AuditLog, type AuditEvent } from '../../../src/core/audit/index.ts';
import type { AuditTables } from '../../../src/core/audit/audit-tables.ts';
import { describeOnEachDatabase } from '../../support/database.ts';
import { rejectionOf } from '../../support/rejection.ts';
import { auditKeys, openAuditDatabase, readRows } from './audit-fixture.ts';

const keys = auditKeys();

describeOnEachDatabase('an event is checked', (database) => {
  let provider: DatabaseProvider<AuditTables>;
  let log: AuditLog;

  before(async () => {
    provider = await openAuditDatabase(await database.freshUrl());
    log = new AuditLog(provider, { keys });
  });
  after(() => provider.close());

  async function faultsOf(event: unknown, by = log): Promise<string[]> {
    let paths: string[] = [];
    await provider.transaction(async (tx) => {
      const error = await rejectionOf(by.record(tx, event as AuditEvent));
      expect(error).to.be.instanceOf(ValidationError);
      paths = (error as ValidationError).issues.map(({ path }) => path.join('.'));
    });
    return paths;
  }

  it('with every fault at once, before anything is written', async () => {
    const lone = '\ud800';
    expect(
      await faultsOf({
        action: '',
        entity: { type: 'a\0', id: 'x'.repeat(256) },
        actor: { type: 'robot', id: lone },
        tenant: 7,
        requestId: '',
        traceId: lone,
        reason: 'r'.repeat(2_001),
        metadata: { when: new Date(), deep: { not: Number.NaN } },
        changes: [{ field: '', new: lone, old: 1n }, 'none'],
      }),
    ).to.deep.equal([
      'action',
      'actor.id',
      'actor.type',
      'entity.type',
      'entity.id',
      'tenant',
      'requestId',
      'traceId',
      'reason',
      'changes.0.field',
      'changes.0.new',
      'changes.0.old',
      'changes.1',
      'metadata.when',
      'metadata.deep.not',
    ]);
    expect(await faultsOf({ action: 'a', changes: {}, metadata: [] })).to.deep.equal(['changes', 'metadata']);
    expect(await faultsOf({ action: 'a', metadata: { text: 'x'.repeat(1_048_576) } })).to.deep.equal([
      'changes',
    ]);
    expect(await faultsOf({ action: 'a', resaon: 'misspelt' })).to.deep.equal(['resaon']);
    for (const none of [null, undefined, 'a']) expect(await faultsOf(none)).to.deep.equal(['event']);
    expect(await readRows(provider)).to.deep.equal([]);
  });

  it('and so are the options of the log, when it is made', () => {
    for (const none of [undefined, {}, { keys: 'a text' }, { keys: {} }]) {
      expect(() => new AuditLog(provider, none as never)).to.throw(ValidationError, /keys/u);
    }
  });

  it('its stream as well, and its actor where one must be known', async () => {
    const strict = new AuditLog(provider, { keys, requireActor: true, stream: () => '' });
    expect(await faultsOf({ action: 'a' }, strict)).to.deep.equal(['actor']);
    expect(await faultsOf({ action: 'a', actor: { type: 'system', id: 'x' } }, strict)).to.deep.equal([
      'stream',
    ]);
  });

  it('and a value that is too long is kept by its keyed code alone, the same for the same value', async () => {
    const long = 'x'.repeat(70_000);
    await provider.transaction(async (tx) => {
      for (const value of [long, long, `${long}y`]) {
        await log.record(tx, {
          action: 'update',
          entity: { type: 'a' },
          changes: [{ field: 'f', new: value }],
        });
      }
    });
    const rows = (await readRows(provider)).map(
      ({ content }) => (JSON.parse(content!) as { changes: { new: { $digest: string } }[] }).changes[0]!.new,
    );
    expect(rows[0]).to.deep.equal(rows[1]);
    expect(rows[0]!.$digest).not.to.equal(rows[2]!.$digest);
    expect(rows[0]).to.have.property('length', 70_002);
    expect(rows[0]!.$digest).to.match(/^audit:[0-9a-f]{64}$/u);
  });

  it('its content is one text for one value, and names like __proto__ are names like others', async () => {
    const metadata = JSON.parse('{"z":1,"__proto__":{"b":2,"a":[true,null]},"ä":"ü"}') as Record<
      string,
      unknown
    >;
    await provider.transaction(async (tx) => {
      await log.record(tx, {
        action: 'x',
        reason: 'why',
        metadata,
        changes: [{ field: 'f', old: 1, new: -0 }],
      });
    });
    const row = (await readRows(provider)).find(({ action }) => action === 'x');
    expect(row!.content).to.equal(
      '{"changes":[{"field":"f","new":0,"old":1}],"metadata":{"__proto__":{"a":[true,null],"b":2},"z":1,"ä":"ü"},"reason":"why"}',
    );
    expect((await log.verify()).isSound).to.equal(true);
  });
});
