import { expect } from 'chai';
import { inspect } from 'node:util';
import {
  DatabaseProviderFactory,
  LiminalDataError,
  QueryError,
  UniqueViolationError,
  type DatabaseProvider,
} from '../../../../src/core/index.ts';
import { describeOnDatabase } from '../../../support/database.ts';
import { rejectionOf } from '../../../support/rejection.ts';

const secret = 'TOPSECRET';

describeOnDatabase('sqlite-memory', 'an error never repeats a value', (database) => {
  let provider: DatabaseProvider<unknown>;

  beforeEach(async () => {
    provider = DatabaseProviderFactory.createProvider<unknown>(await database.freshUrl());
  });

  afterEach(() => provider.close());

  async function failureOf(text: string, parameters: unknown[]): Promise<LiminalDataError> {
    const error = await rejectionOf(provider.query(text, parameters));
    expect(error).to.be.instanceOf(LiminalDataError);
    expect(inspect(error, { depth: 9, showHidden: true })).not.to.contain(secret);
    return error as LiminalDataError;
  }

  it('of a JSON path', async () => {
    expect(await failureOf("select json_extract('{}', ?)", [`${secret}$`])).to.be.instanceOf(QueryError);
    await failureOf("select json_set('{}', ?, 1)", [secret]);
  });

  it('of a search expression', async () => {
    await provider.exec('create virtual table pages using fts5(text)');
    for (const expression of [`${secret} (`, `${secret}:x`, `"${secret}`])
      await failureOf('select * from pages where pages match ?', [expression]);
  });

  it('but says what the author of a trigger wrote', async () => {
    await provider.exec('create table notes (text text) strict');
    await provider.exec(
      `create trigger refuse before insert on notes begin select raise(abort, 'notes are closed'); end`,
    );
    const error = await failureOf('insert into notes values (?)', [secret]);
    expect(error).to.include({ driverCode: 'SQLITE_CONSTRAINT_TRIGGER' });
    expect(error.message).to.contain('notes are closed');
  });

  it('but keeps the names of what was broken, and what is wrong with the statement', async () => {
    await provider.exec('create table notes (text text unique) strict');
    await provider.exec('insert into notes values (?)', [secret]);
    const unique = await failureOf('insert into notes values (?)', [secret]);
    expect(unique).to.be.instanceOf(UniqueViolationError).and.include({ table: 'notes' });
    expect((await failureOf('select missing from notes', [])).message).to.contain('no such column: missing');
  });
});
