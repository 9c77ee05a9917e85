import { expect } from 'chai';
import { sealRow, emptyChain, type ChainRow } from '../../../src/core/audit/chain-row.ts';
import { examineRow } from '../../../src/core/audit/examine-row.ts';
import { isSealedGenuine, linkOf, readSealedRows } from '../../../src/core/audit/sealed-row.ts';
import { AuditLog } from '../../../src/core/audit/index.ts';
import { describeOnEachDatabase } from '../../support/database.ts';
import { pickSeed, seededRandom, type Random } from '../../support/seeded-random.ts';
import { auditKeys, openAuditDatabase, readRows } from './audit-fixture.ts';
import { pastTheTriggers } from './past-the-triggers.ts';
import { pick } from './trail-fixture.ts';

const keys = auditKeys();
/** Values that a form could take for others: none, an empty one, and those that look like parts of a form. */
const plain = ['', '=', '=a', 'a', '[1', 'b"\\\n'];
const separated = ['\u001F', 'a\u001F=b', '\u001F\u001F'];
const nullable = ['tenant', 'actor_id', 'entity_type', 'entity_id', 'request_id', 'trace_id'] as const;
const anyText = ['action', ...nullable, 'content', 'content_digest', 'prev_hash', 'hash'] as const;
const long = 40_000;

function randomText(random: Random): string {
  return pick(random, random() < 0.1 ? separated : plain);
}

function randomRow(random: Random, stream: string, turn: number): ChainRow {
  const text = () => (random() < 0.4 ? null : randomText(random));
  const facts = {
    stream,
    id: `00000000-0000-7000-8000-${String(turn).padStart(12, '0')}`,
    recorded_at: Math.floor(random() * 1e12),
    action: randomText(random),
    actor_type: pick(random, ['user', 'service', 'system', null] as const),
    tenant: text(),
    actor_id: text(),
    entity_type: text(),
    entity_id: text(),
    request_id: text(),
    trace_id: text(),
    content: random() < 0.1 ? JSON.stringify('x'.repeat(long)) : '{"reason":"\\u001f"}',
  };
  const row = sealRow(keys, facts, emptyChain);
  return random() < 0.1 ? { ...row, content: null } : row;
}

function tamper(random: Random, row: ChainRow): ChainRow {
  const other = { ...row };
  for (let count = 0; count < 3; count += 1) {
    const column = pick(random, anyText);
    const isNullable = (nullable as readonly string[]).includes(column);
    const taken = random() < 0.3 ? row[pick(random, anyText)] : randomText(random);
    Object.assign(other, { [column]: isNullable && random() < 0.3 ? null : (taken ?? '') });
    if (random() < 0.5) break;
  }
  return other;
}

const emptyFacts = {
  stream: '',
  id: '',
  recorded_at: 1,
  action: 'a',
  actor_type: null,
  tenant: null,
  actor_id: null,
  entity_type: null,
  entity_id: null,
  request_id: null,
  trace_id: null,
  content: '{}',
};

describeOnEachDatabase('every column of a row is verified', (database) => {
  it('and none is not the same as an empty one', async () => {
    await using provider = await openAuditDatabase(await database.freshUrl());
    const stored = nullable.flatMap((column, place) =>
      [null, ''].map((value, turn) => {
        const stream = `${column} ${turn}`;
        const id = `00000000-0000-7000-8000-${String(place * 2 + turn).padStart(12, '0')}`;
        const row = sealRow(keys, { ...emptyFacts, stream, id, [column]: value }, emptyChain);
        return { ...row, [column]: value === null ? '' : null };
      }),
    );
    await provider.db.insertInto('audit_logs').values(stored).execute();
    for (const row of stored) expect(examineRow(keys, row), row.stream).to.equal('false-hash');
    for (const row of await readSealedRows(provider.db, undefined, 1_000)) {
      expect(isSealedGenuine(keys, row), row.stream).to.equal(false);
    }
    const { streams } = await new AuditLog(provider, { keys }).verify();
    expect(streams.map(({ fault }) => fault?.kind)).to.deep.equal(stored.map(() => 'edited'));
  });

  if (database.name === 'postgres') {
    it('and where its owner lets a column be NULL that never is, that is an edit like any other', async () => {
      await using provider = await openAuditDatabase(await database.freshUrl());
      const log = new AuditLog(provider, { keys });
      const columns = ['id', 'recorded_at', 'key_id', 'action', 'content_digest', 'prev_hash', 'hash'];
      for (const column of columns) {
        await provider.transaction(async (tx) => {
          for (const id of ['1', '2', '3'])
            await log.record(tx, { action: 'create', entity: { type: column, id } });
        });
        await provider.exec(`alter table audit_logs alter column ${column} drop not null`);
        const where = `stream = 'entity:${column}' and seq = 2`;
        await pastTheTriggers(provider, `update audit_logs set ${column} = null where ${where}`);
      }
      const { streams } = await log.verify();
      const told = streams.map(({ stream, fault }) => [stream, fault?.seq, fault?.kind]);
      expect(told).to.have.deep.members(columns.map((column) => [`entity:${column}`, 2, 'edited']));
    });
  }

  it('by the text that the database makes of them as by themselves', async () => {
    await using provider = await openAuditDatabase(await database.freshUrl());
    const seed = pickSeed();
    const random = seededRandom(seed);
    const genuine = new Map<string, ChainRow>();
    const stored: ChainRow[] = [];
    for (let turn = 0; turn < 100; turn += 1) {
      const stream = `stream ${String(turn).padStart(4, '0')}${pick(random, ['', '\u001F', '='])}`;
      const row = randomRow(random, stream, turn);
      genuine.set(stream, row);
      stored.push(turn % 2 === 0 ? row : tamper(random, row));
    }
    for (let from = 0; from < stored.length; from += 50) {
      await provider.db
        .insertInto('audit_logs')
        .values(stored.slice(from, from + 50))
        .execute();
    }
    const rows = await readRows(provider);
    const sealed = await readSealedRows(provider.db, undefined, 1_000);
    let byText = 0;
    for (const [index, row] of rows.entries()) {
      const text = sealed[index]!;
      expect({ stream: text.stream, seq: text.seq }).to.deep.equal({ stream: row.stream, seq: row.seq });
      const link = linkOf(text);
      const { seq, hash, prev_hash: before } = row;
      if (link !== undefined) expect(link, `seed ${seed}`).to.deep.equal({ seq, hash, prev_hash: before });
      const isGenuine = examineRow(keys, row) === 'genuine';
      const isUntouched = isSame(row, genuine.get(row.stream)!);
      expect(isGenuine, `seed ${seed}: ${row.stream}`).to.equal(isUntouched);
      if (link === undefined || !isSealedGenuine(keys, text)) continue;
      byText += 1;
      expect(isGenuine, `seed ${seed}: ${row.stream}`).to.equal(true);
    }
    expect(byText).to.be.greaterThan(10);
    const { streams } = await new AuditLog(provider, { keys }).verify();
    for (const { stream, fault } of streams) {
      const row = stored.find((each) => each.stream === stream)!;
      const isSound = examineRow(keys, row) === 'genuine' && row.prev_hash === emptyChain.hash;
      expect(fault === undefined || fault.kind === 'erased', `seed ${seed}: ${stream}`).to.equal(isSound);
    }
  });
});

function isSame(one: ChainRow, other: ChainRow): boolean {
  return (Object.keys(one) as (keyof ChainRow)[]).every((column) => one[column] === other[column]);
}
