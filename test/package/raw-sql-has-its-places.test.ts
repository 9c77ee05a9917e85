import { expect } from 'chai';
import { readSources } from '../support/source-files.ts';

/**
 * Where text may become a part of a statement without being a parameter. The engines and the migrations write
 * schemas, whose names come from the code of the application. Elsewhere each place is named with what it writes.
 */
const rooms = /^src\/core\/(engine|migrate)\//u;
const places: Readonly<Record<string, string>> = {
  'src/chat/conversation/message-search.ts': 'numbers that it has counted',
  'src/core/security/tokens/delete-expired.ts': 'the size of a batch',
};

/** The words of Kysely that put text into a statement as it is. */
const words = /\bsql\s*\.\s*(?:raw|lit|id|unsafe)\b|\b(?:RawNode\.createWithSql|dynamic\.(?:ref|table))\b/u;

function findRawSql(sources: ReadonlyMap<string, string>): string[] {
  return [...sources]
    .filter(([path, source]) => !rooms.test(path) && withoutComments(source).some((line) => words.test(line)))
    .map(([path]) => path);
}

function withoutComments(source: string): string[] {
  return source.split('\n').filter((line) => !/^\s*(?:\*|\/\*|\/\/)/u.test(line));
}

describe('raw SQL has its places', () => {
  it('and no other file of the library writes any', () => {
    expect(findRawSql(readSources())).to.have.members(Object.keys(places));
  });

  it('and one that did would be found', () => {
    for (const line of [
      'await sql.raw(text).execute(db);',
      'sql.lit(name)',
      'sql .id(table)',
      'db.dynamic.ref(x)',
    ]) {
      expect(findRawSql(new Map([['src/core/repository/a.ts', line]])), line).to.have.length(1);
    }
    expect(findRawSql(new Map([['src/core/a.ts', ' * `sql.raw` is the way out']]))).to.deep.equal([]);
  });
});
