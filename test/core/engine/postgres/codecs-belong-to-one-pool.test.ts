import { expect } from 'chai';
import fc from 'fast-check';
import { sql } from 'kysely';
import pg from 'pg';
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
    const before = pg.types.getTypeParser(oids.int8);
    pg.types.setTypeParser(oids.int8, () => 'somebody else’s');
    try {
      expect(await provider.query('select 7::bigint as big')).to.deep.equal([{ big: 7 }]);
    } finally {
      pg.types.setTypeParser(oids.int8, before);
    }
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
