import { expect } from 'chai';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { errorClasses, renderErrorDocs } from '../../../scripts/error-docs.ts';
import { projectRoot } from '../../../scripts/run-command.ts';
import { NotFoundError, Secret, UniqueViolationError, isLiminalDataError } from '../../../src/core/index.ts';

describe('error classes', () => {
  it('stand on the page docs/errors.md, which is generated from them', () => {
    expect(readFileSync(join(projectRoot, 'docs/errors.md'), 'utf8')).to.equal(renderErrorDocs());
  });

  it('each have a stable code of their own', () => {
    const codes = errorClasses.map(({ description }) => description.code);
    expect(new Set(codes).size).to.equal(codes.length);
    for (const code of codes) expect(code).to.match(/^LIMINAL_[A-Z_]+$/);
  });

  it('are recognised by code, also across copies of the package', () => {
    const error = new NotFoundError('users');
    expect(isLiminalDataError(error)).to.equal(true);
    expect(isLiminalDataError(error, 'LIMINAL_NOT_FOUND')).to.equal(true);
    expect(isLiminalDataError(error, 'LIMINAL_STALE_ENTITY')).to.equal(false);
    expect(isLiminalDataError(new Error('other'))).to.equal(false);
    expect(isLiminalDataError(null)).to.equal(false);
    const foreign = Object.assign(new Error('of another copy'), { code: 'LIMINAL_NOT_FOUND' });
    Object.defineProperty(foreign, Symbol.for('liminal-data.error'), { value: true });
    expect(isLiminalDataError(foreign, 'LIMINAL_NOT_FOUND')).to.equal(true);
  });

  it('give a JSON form with their fields and without their cause', () => {
    const cause = new Error('detail: secret');
    const error = new UniqueViolationError({ table: 'users', columns: ['email'] }, { cause });
    expect(error.toJSON()).to.include({
      name: 'UniqueViolationError',
      code: 'LIMINAL_UNIQUE_VIOLATION',
      table: 'users',
    });
    expect(JSON.stringify(error)).not.to.contain('secret');
  });
});

describe('a secret', () => {
  it('is never printed, only revealed', async () => {
    const { inspect } = await import('node:util');
    const secret = new Secret('s3cret');
    const shown = [
      String(secret),
      JSON.stringify({ secret }),
      inspect({ secret }, { depth: 10, showHidden: true }),
    ];
    for (const text of shown) expect(text).to.contain('[redacted]').and.not.contain('s3cret');
    expect(secret.reveal()).to.equal('s3cret');
  });
});
