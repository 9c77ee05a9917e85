import { expect } from 'chai';
import type { AuditEntry, AuditExportFormat } from '../../../src/core/audit/index.ts';
import { ValidationError } from '../../../src/core/index.ts';
import { describeOnEachDatabase } from '../../support/database.ts';
import { pickSeed, seededRandom } from '../../support/seeded-random.ts';
import { gather, openTrail, randomEvent, type TestTrail } from './trail-fixture.ts';

const formulas = [
  '=1+1',
  '+1',
  '-1',
  '@SUM(A1)',
  '\t=1',
  '\r=1',
  ' =1',
  '＝1',
  '\u{feff}=1',
  '\u{200b}=1',
  '=HYPERLINK("http://x","y")',
];

/** RFC 4180: cells between quotes, in which a quote stands twice. */
function parseCsv(text: string): string[][] {
  const lines: string[][] = [[]];
  let cell = '';
  for (const match of text.matchAll(/"((?:[^"]|"")*)"|(\r\n)|(,)|([^",\r\n]+)/gu)) {
    const [, quoted, lineEnd, comma, bare] = match;
    if (quoted !== undefined) cell += quoted.replaceAll('""', '"');
    if (bare !== undefined) cell += bare;
    if (comma === undefined && lineEnd === undefined) continue;
    lines.at(-1)!.push(cell);
    cell = '';
    if (lineEnd !== undefined) lines.push([]);
  }
  return lines.slice(0, -1);
}

describeOnEachDatabase('an export', (database) => {
  let trail: TestTrail;

  beforeEach(async () => {
    trail = await openTrail(await database.freshUrl());
    const random = seededRandom(pickSeed());
    await trail.record(
      ...Array.from({ length: 20 }, () => randomEvent(random)),
      ...formulas.map((text) => ({
        action: text,
        reason: text,
        entity: { type: text, id: text },
        metadata: { text },
      })),
    );
  });

  afterEach(() => trail[Symbol.asyncDispose]());

  it('has every entry in JSON Lines, the oldest first', async () => {
    const entries = await trail.entries();
    const lines = await gather(trail.log.export({}));
    expect(lines.every((line) => line.endsWith('}\n') && line.indexOf('\n') === line.length - 1)).to.equal(
      true,
    );
    const read = lines.map((line) => JSON.parse(line) as AuditEntry);
    // The export itself is recorded before it begins.
    expect(read.at(-1)).to.deep.include({
      action: 'audit.export',
      metadata: { filter: {}, format: 'jsonl' },
    });
    expect(read.slice(0, -1)).to.deep.equal(JSON.parse(JSON.stringify(entries)));
  });

  it('tells that a text was looked for, and not which', async () => {
    await gather(trail.log.export({ text: 'eve@example.org' }));
    const entry = (await trail.entries()).at(-1);
    expect(entry).to.deep.include({ metadata: { filter: { text: true }, format: 'jsonl' } });
  });

  it('has every cell in CSV, and none that a spreadsheet takes for a formula', async () => {
    const entries = await trail.entries();
    const text = (await gather(trail.log.export({}, 'csv'))).join('');
    const [names = [], ...rows] = parseCsv(text);
    expect(names).to.include.members(['recorded_at', 'actor_id', 'entity_id', 'changes', 'reason', 'hash']);
    expect(rows).to.have.lengthOf(entries.length + 1);
    for (const [index, entry] of entries.entries()) {
      const row = Object.fromEntries(names.map((name, at) => [name, rows[index]?.[at] ?? '']));
      const isTextOf = (cell: string | undefined, value: string | undefined) =>
        expect([value ?? '', `'${value}`]).to.include(cell);
      isTextOf(row['reason'], entry.reason);
      isTextOf(row['action'], entry.action);
      isTextOf(row['entity_id'], entry.entity?.id);
      expect(row['recorded_at']).to.equal(new Date(entry.recordedAt).toISOString());
      expect(row['seq']).to.equal(String(entry.seq));
      expect(JSON.parse(row['changes'] || '[]')).to.deep.equal(JSON.parse(JSON.stringify(entry.changes)));
    }
    for (const cell of rows.flat()) expect(cell).to.not.match(/^[\s\p{Cf}]*[=+\-@＝]/u);
    const defused = rows.flat().filter((cell) => formulas.includes(cell.slice(1)));
    expect(defused.length).to.be.at.least(formulas.length * 4);
  });

  it('reads only as far as it is asked, and refuses a format that is none', async () => {
    const lines = trail.log.export({ action: 'none' });
    expect(await lines.next()).to.include({ done: true });
    const some = trail.log.export({});
    await some.next();
    await some.return?.();
    expect(() => trail.log.export({}, 'xml' as AuditExportFormat)).to.throw(ValidationError);
    expect(() => trail.log.export({ form: 1 } as object)).to.throw(ValidationError);
  });
});
