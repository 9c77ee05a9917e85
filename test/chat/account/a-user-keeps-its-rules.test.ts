import { expect } from 'chai';
import { changeEmail, createUser, renameUser } from '../../../src/chat/account/user.ts';
import { UserId } from '../../../src/chat/ids.ts';
import { newId, ValidationError } from '../../../src/core/domain/index.ts';

const ada = () => createUser({ email: 'Ada@Example.com', displayName: ' Ada ' }, { now: 1000 });

describe('a user keeps its rules', () => {
  it('begins at version 1 with an id of its own', () => {
    const user = ada();
    expect(user).to.deep.include({
      email: 'ada@example.com',
      displayName: 'Ada',
      version: 1,
      createdAt: 1000,
      updatedAt: 1000,
    });
    expect(UserId.is(user.id)).to.equal(true);
    expect(ada().id).not.to.equal(user.id);
  });

  it('takes the id that it is given', () => {
    const id = newId<UserId>();
    expect(createUser({ email: 'ada@example.com' }, { now: 0, id }).id).to.equal(id);
  });

  it('lists every fault of every field at once', () => {
    try {
      createUser({ email: 'nobody', displayName: 'x'.repeat(201) }, { now: -1 });
    } catch (error) {
      expect(error).to.be.instanceOf(ValidationError);
      const paths = (error as ValidationError).issues.map(({ path }) => path[0]);
      expect(paths).to.have.members(['email', 'displayName', 'createdAt', 'updatedAt']);
      return;
    }
    expect.fail('the user was made');
  });

  it('changes as a copy that is frozen and keeps the version that was read', () => {
    const user = ada();
    const renamed = renameUser(user, 'Countess Lovelace', { now: 2000 });
    const moved = changeEmail(renamed, 'countess@example.com', { now: 3000 });
    expect(user.displayName).to.equal('Ada');
    expect(renamed).to.deep.include({ displayName: 'Countess Lovelace', updatedAt: 2000, version: 1 });
    expect(moved).to.deep.include({ email: 'countess@example.com', updatedAt: 3000, id: user.id });
    for (const each of [user, renamed, moved]) expect(each).to.be.frozen;
  });

  it('can lose its name', () => {
    expect(renameUser(ada(), undefined, { now: 2000 }).displayName).to.equal(undefined);
  });

  it('is never changed before it was made, though the wall clock goes back', () => {
    expect(renameUser(ada(), 'A', { now: 1 }).updatedAt).to.equal(1000);
  });

  for (const name of ['', '   ', 'a\0b', 'a\ud83d', '\u{1f600}'.repeat(201)]) {
    it(`refuses ${JSON.stringify(name).slice(0, 20)} as a name`, () => {
      expect(() => renameUser(ada(), name, { now: 2000 })).to.throw(ValidationError, /^displayName: /);
    });
  }

  it('counts characters, not code units, of a name', () => {
    const name = '\u{1f600}'.repeat(200);
    expect(renameUser(ada(), name, { now: 2000 }).displayName).to.equal(name);
  });
});
