import { expect } from 'chai';
import { advanceThread, createThread, retitleThread } from '../../../src/chat/conversation/context-thread.ts';
import type { UserId } from '../../../src/chat/ids.ts';
import { newId, ValidationError } from '../../../src/core/domain/index.ts';

const make = () =>
  createThread({ title: ' Dinner ', metadata: { services: ['Restaurants_2'] } }, { now: 1000 });

describe('a thread keeps its rules', () => {
  it('begins at version 1, before its first message', () => {
    expect(make()).to.deep.include({
      title: 'Dinner',
      version: 1,
      nextSeq: 1,
      createdAt: 1000,
      updatedAt: 1000,
    });
  });

  it('needs nothing to begin with', () => {
    const thread = createThread({}, { now: 0 });
    expect(thread).to.deep.include({ ownerId: undefined, sourceId: undefined, title: undefined });
    expect(thread.metadata).to.equal(undefined);
  });

  it('lists every fault of every field at once', () => {
    const ownerId = 'nobody' as UserId;
    try {
      createThread({ ownerId, sourceId: '', title: 'x'.repeat(201), metadata: 'x' }, { now: 0.5 });
    } catch (error) {
      const paths = (error as ValidationError).issues.map(({ path }) => path[0]);
      expect(paths).to.have.members(['ownerId', 'sourceId', 'title', 'metadata', 'createdAt', 'updatedAt']);
      return;
    }
    expect.fail('the thread was made');
  });

  it('takes a source id of up to 255 characters, however many bytes they take', () => {
    for (const sourceId of ['x'.repeat(255), '😀'.repeat(255)]) {
      expect(createThread({ sourceId }, { now: 0 }).sourceId).to.equal(sourceId);
    }
    for (const sourceId of ['x'.repeat(256), '😀'.repeat(256)]) {
      expect(() => createThread({ sourceId }, { now: 0 })).to.throw(ValidationError, /^sourceId: /);
    }
  });

  it('freezes its metadata all through', () => {
    const { metadata } = make();
    expect(metadata?.['services']).to.be.frozen;
  });

  it('gets another title, or none, as a frozen copy of the same version', () => {
    const thread = make();
    const retitled = retitleThread(thread, 'Lunch', { now: 2000 });
    expect(retitled).to.deep.equal({ ...thread, title: 'Lunch', updatedAt: 2000 }).and.be.frozen;
    expect(retitleThread(thread, undefined, { now: 2000 }).title).to.equal(undefined);
    expect(() => retitleThread(thread, '\n', { now: 2000 })).to.throw(ValidationError, /^title: /);
  });

  it('moves its next place and its time by an append, and not its version', () => {
    const thread = make();
    expect(advanceThread(thread, 3, { now: 2000 })).to.deep.equal({ ...thread, nextSeq: 4, updatedAt: 2000 });
    for (const count of [0, -1, 0.5, Number.NaN]) {
      expect(() => advanceThread(thread, count, { now: 2000 })).to.throw(ValidationError, /^nextSeq: /);
    }
  });

  it('never moves back in time', () => {
    expect(advanceThread(make(), 1, { now: 1 }).updatedAt).to.equal(1000);
    expect(retitleThread(make(), 'Lunch', { now: 1 }).updatedAt).to.equal(1000);
  });

  it('belongs to whom it is given', () => {
    const ownerId = newId<UserId>();
    expect(createThread({ ownerId }, { now: 0 }).ownerId).to.equal(ownerId);
  });
});
