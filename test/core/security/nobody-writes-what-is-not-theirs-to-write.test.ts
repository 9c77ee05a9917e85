// Security check: C17.
import { expect } from 'chai';
import fc from 'fast-check';
import { createUser, renameUser, type User } from '../../../src/chat/index.ts';
import { ValidationError } from '../../../src/core/foundation/errors/validation-error.ts';
import { parseChanges } from '../../../src/core/security/parse-changes.ts';
import { soakCount } from '../../support/engines.ts';

describe('nobody writes what is not theirs to write', () => {
  it('fields that are allowed come through as they are', () => {
    const changes = parseChanges(['title', 'metadata'], { title: 'Lunch' });
    expect({ ...changes }).to.deep.equal({ title: 'Lunch' });
    expect(changes).to.be.frozen;
    expect(Object.getPrototypeOf(changes)).to.equal(null);
  });

  it('each other one is a fault, and all are told at once', () => {
    const input = JSON.parse(
      '{"title":"x","ownerId":"y","version":2,"__proto__":{"isAdmin":true},"a\\nb":1}',
    ) as object;
    let error: unknown;
    try {
      parseChanges(['title'], input);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).to.be.instanceOf(ValidationError);
    const paths = (error as ValidationError).issues.map(({ path }) => path[0]);
    expect(paths).to.deep.equal(['ownerId', 'version', '__proto__', '(another name)']);
  });

  it('what is no plain object is a fault', () => {
    for (const input of [null, undefined, 'title', ['title'], new Map([['title', 'x']]), 3]) {
      expect(() => parseChanges(['title'], input)).to.throw(ValidationError);
    }
  });

  it('whatever else is sent', () => {
    const names = fc.oneof(
      fc.constantFrom('title', 'id', 'version', '__proto__', 'constructor'),
      fc.string(),
    );
    const property = fc.property(fc.dictionary(names, fc.anything()), (input) => {
      let changes: object = {};
      try {
        changes = parseChanges(['title'], input);
      } catch (error) {
        expect(error).to.be.instanceOf(ValidationError);
      }
      expect(Object.keys(changes).every((name) => name === 'title')).to.equal(true);
      expect(({} as Record<string, unknown>)['isAdmin']).to.equal(undefined);
    });
    fc.assert(property, { numRuns: soakCount(2_000) });
  });

  it('and the makers of entities take only the fields that they name', () => {
    const more = { id: 'x', version: 9, createdAt: 1, updatedAt: 1, isAdmin: true, emailVerifiedAt: 5 };
    const user = createUser({ email: 'a@example.org', ...more }, { now: 7 });
    expect(user).to.include({ version: 1, createdAt: 7, updatedAt: 7, emailVerifiedAt: undefined });
    expect(user.id).not.to.equal('x');
    expect(user).not.to.have.property('isAdmin');
    const renamed: User = renameUser(user, 'Ann', { now: 8, ...more });
    expect(renamed).to.include({ id: user.id, version: 1, emailVerifiedAt: undefined });
  });
});
