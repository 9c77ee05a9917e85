import { expect } from 'chai';
import fc from 'fast-check';
import { sql } from 'kysely';
import pg from 'pg';
import { PostgresCodecs } from '../../../../src/core/engine/postgres/postgres-codecs.ts';
import { UnsafeIntegerError, ValidationError } from '../../../../src/core/index.ts';
import { rejectionOf } from '../../../support/rejection.ts';
import { describeOnPostgres } from './postgres-harness.ts';

const oids = { int8: 20, numeric: 1700, json: 114, jsonb: 3802 };

describeOnPostgres('codecs belong to one pool', (postgres) => {
  it("and pg's own parsers stay as they are", async () => {
    const url = await postgres.freshUrl();
    const before = Object.values(oids).map((oid) => pg.types.getTypeParser(oid));
    const provider = await postgres.open({ url });
    const text = `select 7::bigint as big, 1.50::numeric as exact, '{"a":1}'::json as doc, '{"b":2}'::jsonb as bin`;
    expect(await provider.query(text)).to.deep.equal([
      { big: 7, exact: '1.50', doc: '{"a":1}', bin: '{"b": 2}' },
    ]);
    expect(await postgres.askServer(url, text)).to.deep.equal([
      { big: '7', exact: '1.50', doc: { a: 1 }, bin: { b: 2 } },
    ]);
    expect(Object.values(oids).map((oid) => pg.types.getTypeParser(oid))).to.deep.equal(before);
  });

  it("and pg's own parsers have no say in ours", async () => {
    const provider = await postgres.open();
    const text = `select true as yes, 1::smallint as small, 2 as int, 3::bigint as big, 4::oid as id,
      0.5::real as single, 0.1::double precision as double, 1.50::numeric as exact, 'a'::text as words,
      'b'::varchar as short, gen_random_uuid() is null as no, '0190a0b0-0000-7000-8000-000000000000'::uuid as key,
      '2025-01-02'::date as day, '2025-01-02 03:04:05.678'::timestamp as local,
      '2025-01-02 03:04:05.678+00'::timestamptz as at, '\\xff00'::bytea as bytes`;
    const [expected] = await provider.query(text);
    expect(Object.values(expected ?? {})).to.have.length(16);
    const types = [16, 17, 20, 21, 23, 25, 26, 700, 701, 1043, 1082, 1114, 1184, 1700, 2950];
    const before = types.map((type) => [type, pg.types.getTypeParser(type)] as const);
    for (const type of types) pg.types.setTypeParser(type, () => 'somebody else’s');
    try {
      expect(await provider.query(text)).to.deep.equal([expected]);
      const later = await postgres.open();
      expect(await later.query(text)).to.deep.equal([expected]);
    } finally {
      for (const [type, parse] of before) pg.types.setTypeParser(type, parse);
    }
  });

  it('every plain value is what pg makes of it by default', async () => {
    const url = await postgres.freshUrl();
    const texts: [type: string, values: string[]][] = [
      ['boolean', ['true', 'false']],
      ['smallint', ['-32768', '32767']],
      ['integer', ['-2147483648', '2147483647', '0']],
      ['oid', ['4294967295']],
      ['real', ['0.1', '-1e30', 'NaN', 'Infinity', '-Infinity']],
      ['double precision', ['0.1', '-1e-300', 'NaN', 'Infinity', '-Infinity', '-0']],
      ['numeric', ['1.50', 'NaN', '12345678901234567890.1']],
      ['money', ['12.34']],
      ['date', ['2025-01-02', '0044-03-15 BC', '0099-12-31', '12025-01-02', 'infinity', '-infinity']],
      ['timestamp', ['2025-01-02 03:04:05.678901', '2025-07-02', '0001-01-01 BC', '0099-12-31', 'infinity']],
      ['timestamptz', ['2025-01-02 03:04:05.5+05:30', '1850-01-01 00:00:00', '0044-03-15 BC', '-infinity']],
      ['bytea', ['\\x', '\\x00ff5c41', 'a\\\\b\\000']],
      ['interval', ['1 day 02:03:04']],
      ['integer[]', ['{1,NULL,3}']],
      ['inet', ['10.0.0.1/8']],
      ['bit varying', ['101']],
    ];
    const values = texts.flatMap(([type, list]) => list.map((value) => `cast('${value}' as ${type})`));
    const text = `select ${values.map((value, index) => `${value} as "${index} ${value}"`).join(', ')}`;
    const name = new URL(url).pathname.slice(1);
    for (const [zone, output] of [
      ['UTC', 'hex'],
      ['Asia/Kolkata', 'escape'],
    ] as const) {
      await postgres.askServer(url, `alter database "${name}" set timezone = '${zone}'`);
      await postgres.askServer(url, `alter database "${name}" set bytea_output = '${output}'`);
      const provider = await postgres.open({ url });
      expect(await provider.query(text)).to.deep.equal(await postgres.askServer(url, text));
    }
  });

  it('every time is what pg makes of it by default, to the millisecond', () => {
    const { getTypeParser } = new PostgresCodecs(pg.types).types;
    const two = (max: number) => fc.integer({ min: 0, max }).map((value) => String(value).padStart(2, '0'));
    const day = fc
      .date({ min: new Date(Date.UTC(100, 0)), max: new Date(Date.UTC(9999, 0)), noInvalidDate: true })
      .map((date) => date.toISOString().slice(0, 10));
    const form = fc.record({
      day,
      time: fc.tuple(two(23), two(59), two(59)).map((parts) => parts.join(':')),
      fraction: fc.constantFrom('', '.5', '.25', '.125', '.001'),
      offset: fc.constantFrom('', '+00', '-08', '+05:30', '-00:43:08'),
      era: fc.constantFrom('', ' BC'),
    });
    const parse = getTypeParser(1184) as (text: string) => unknown;
    const parsePg = pg.types.getTypeParser(1184) as (text: string) => unknown;
    fc.assert(
      fc.property(form, ({ day: date, time, fraction, offset, era }) => {
        const text = `${date} ${time}${fraction}${offset}${era}`;
        expect(parse(text), text).to.deep.equal(parsePg(text));
      }),
    );
  });

  it('an integer beyond 2^53 names its column, in a result, in a stream and beside other queries', async () => {
    const provider = await postgres.openWithItems();
    await provider.exec(
      `insert into items values (1, 'a'), (9007199254740993, 'b'), (-9007199254740993, 'c')`,
    );
    const safe = provider.query('select id from items where id = 1');
    const unsafe = rejectionOf(provider.query('select name, id as big from items order by id'));
    expect(await safe).to.deep.equal([{ id: 1 }]);
    expect(await unsafe)
      .to.be.instanceOf(UnsafeIntegerError)
      .and.include({ column: 'big' });
    const streamed = rejectionOf(
      (async () => {
        const rows = provider.db.selectFrom('items').select('id').orderBy('name').stream(1);
        for await (const _ of rows);
      })(),
    );
    expect(await streamed)
      .to.be.instanceOf(UnsafeIntegerError)
      .and.include({ column: 'id' });
    expect(provider.stats()).to.include({ busy: 0 });
  });

  it('every number that is safe comes back as it went in, every other raises', async () => {
    const provider = await postgres.open();
    await fc.assert(
      fc.asyncProperty(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), async (value) => {
        const answer = provider.query<{ back: number }>('select cast(? as bigint) as back', [value]);
        if (Number.isSafeInteger(Number(value)))
          expect(await answer).to.deep.equal([{ back: Number(value) }]);
        else expect(await rejectionOf(answer)).to.be.instanceOf(UnsafeIntegerError);
      }),
      { numRuns: 50 },
    );
  });

  it('a text comes back as it went in, or is refused', async () => {
    const provider = await postgres.open();
    await fc.assert(
      fc.asyncProperty(
        fc.string({ unit: fc.integer({ min: 0, max: 0xffff }).map(String.fromCharCode) }),
        async (value) => {
          const answer = provider.query('select cast(? as text) as back, cast(? as text[]) as list', [
            value,
            [value],
          ]);
          if (value.isWellFormed() && !value.includes('\0')) {
            expect(await answer).to.deep.equal([{ back: value, list: [value] }]);
          } else {
            expect(await rejectionOf(answer)).to.be.instanceOf(ValidationError);
          }
        },
      ),
      { numRuns: 100 },
    );
  });

  it('what pg would turn into JSON, into an array of nothing or into NULL unasked is refused by its position', async () => {
    const provider = await postgres.open();
    for (const bad of [{ a: 1 }, [{}], ['\0'], undefined, Symbol('x'), () => 1, new Date(Number.NaN)]) {
      const error = await rejectionOf(provider.query('select ?, ?', [1, bad]));
      expect(error).to.be.instanceOf(ValidationError);
      expect((error as Error).message).to.contain('Parameter 2');
    }
  });

  it('dates, booleans and bytes pass', async () => {
    const provider = await postgres.open();
    const at = new Date(1_747_000_000_123);
    const [row] = await provider.query(
      'select cast(? as timestamptz) as at, cast(? as boolean) as yes, cast(? as bytea) as bytes',
      [at, true, new Uint8Array([0, 255])],
    );
    expect(row).to.deep.equal({ at, yes: true, bytes: Buffer.from([0, 255]) });
  });

  it('more parameters than the protocol counts are refused before they garble it', async () => {
    const provider = await postgres.open();
    const list = (length: number) => sql`select ${sql.join(Array(length).fill(1))}`.execute(provider.db);
    expect(await rejectionOf(list(65_536))).to.be.instanceOf(ValidationError);
    expect(await provider.query('select 1 as one')).to.deep.equal([{ one: 1 }]);
  });
});
