import { expect } from 'chai';
import type { BusListener, InvalidationBus } from '../../../src/core/cache/index.ts';
import { cached } from '../../../src/core/cache/index.ts';
import { readSlots, writeSlotsWithin } from '../../../src/core/cache/slots-message.ts';
import { everySlot, slotOf } from '../../../src/core/cache/stamps.ts';
import { TableLayouts } from '../../../src/core/cache/table-layouts.ts';
import { listTag, rowTag } from '../../../src/core/cache/tags.ts';
import { Repository } from '../../../src/core/index.ts';
import { describeOnDatabase } from '../../support/database.ts';
import { recordingLogger } from '../../support/recording-logger.ts';
import {
  makeNote,
  makePerson,
  openCached,
  type CachedDatabase,
  type CachedTables,
  type Person,
} from './cached-fixture.ts';

describe('what tells of the groups and keys of a change', () => {
  it('comes with the table, in the first of many messages', () => {
    const layouts = new TableLayouts();
    layouts.set('notes', { keys: [['id']], groups: ['room'] });
    const others = new TableLayouts();
    others.set('notes', { keys: [['id']], groups: [] });
    const rows = Array.from({ length: 10_000 }, (_, id) => slotOf(rowTag('notes', ['id'], [id])!));
    const slots = layouts.mark([...new Set([...rows, slotOf(listTag('notes'))])]);
    const [first, ...rest] = writeSlotsWithin('they', slots, 7_999).map((message) =>
      readSlots(message, 'we')!,
    );
    expect(layouts.foreignIn(first!)).to.deep.equal([]);
    expect(others.foreignIn(first!).map(({ table }) => table)).to.deep.equal(['notes']);
    expect(rest.length).to.be.greaterThan(0);
    for (const later of rest) expect(layouts.foreignIn(later)).to.deep.equal([]);
  });

  it('is never parted from the table, however many tables a change names', () => {
    for (const count of [10, 200, 400, 1_000]) {
      const [layouts, others] = [new TableLayouts(), new TableLayouts()];
      const tables = Array.from({ length: count }, (_, table) => `t${table}`);
      for (const table of tables) {
        layouts.set(table, { keys: [['id']], groups: ['room'] });
        others.set(table, { keys: [['id']], groups: [] });
      }
      const slots = layouts.mark([...new Set(tables.map((table) => slotOf(listTag(table))))]);
      const heard = writeSlotsWithin('they', slots, 7_999).map((message) => readSlots(message, 'we')!);
      const found = heard.flatMap((each) => others.foreignIn(each).map(({ table }) => table));
      const isAll = heard.some((each) => each.includes(everySlot));
      expect(isAll ? tables : [...new Set(found)], `${count} tables`).to.have.members(tables);
      expect(isAll, `${count} tables`).to.equal(count > 300);
    }
  });
});

/** Tells the others of this process at once. */
function createLine(): () => InvalidationBus {
  const listeners = new Set<BusListener>();
  return () => {
    let own!: BusListener;
    return {
      start(listener) {
        own = listener;
        listeners.add(listener);
        listener.onGap();
      },
      publish: async (slots) => {
        for (const listener of listeners) if (listener !== own) listener.onMove(slots);
      },
      close: async () => void listeners.delete(own),
    };
  };
}

const byEmail = {
  table: 'people',
  key: 'email',
  columns: { id: 'uuid', email: 'text', name: 'text', version: 'integer' },
  mapper: { fromRow: (row: Person): Person => ({ ...row }), toRow: (person: Person) => person },
} as const;

for (const name of ['sqlite-file', 'postgres'] as const) {
  describeOnDatabase(name, 'processes need not know the same groups and keys', (database) => {
    let one: CachedDatabase;
    let open: (options?: Parameters<typeof openCached>[1]) => Promise<CachedDatabase>;
    const opened: CachedDatabase[] = [];
    const logger = recordingLogger();

    beforeEach(async () => {
      const url = await database.freshUrl();
      const bus = createLine();
      logger.lines.length = 0;
      open = async (options) => {
        const next = await openCached(url, { bus, isNew: opened.length === 0, ...options });
        opened.push(next);
        return next;
      };
      one = await open({ cache: { bus: bus(), logger } });
    });

    afterEach(async () => {
      for (const each of opened.splice(0)) await each.close();
    });

    const warnings = () => logger.lines.filter(({ level }) => level === 'warn').map(({ fields }) => fields);

    it('to hear of what a process without a group writes, which one of them warns of', async () => {
      const two = await open({ notes: {} });
      const person = await one.people.insert(makePerson());
      const note = await one.notes.insert(makeNote(person, 1));
      const list = async () => (await one.notes.findMany({ person_id: person.id })).map(({ text }) => text);
      await list();
      await two.notes.update({ ...note, text: 'changed' });
      expect(await list()).to.deep.equal(['changed']);
      await two.notes.insert(makeNote(person, 2, 'new'));
      expect(await list()).to.have.members(['changed', 'new']);
      expect(warnings()).to.deep.equal([{ table: 'notes' }]);
    });

    it('to hear of what a process writes that knows its rows by another key', async () => {
      const two = await open();
      const people = cached(
        new Repository<CachedTables, 'people', Person, unknown, 'email'>(one.provider, byEmail),
        {
          cache: one.cache,
          namespace: 'people by email',
        },
      );
      const person = await two.people.insert(makePerson());
      await people.getById(person.email);
      await two.people.update({ ...person, name: 'changed' });
      expect((await people.getById(person.email)).name).to.equal('changed');
      expect(warnings()).to.deep.equal([{ table: 'people' }]);
    });

    it('and keep apart what they tell apart in the same way', async () => {
      const two = await open();
      const people = [makePerson(), makePerson()] as const;
      await one.people.insertMany(people);
      const lists = () => Promise.all(people.map((person) => one.notes.findMany({ person_id: person.id })));
      await two.notes.insert(makeNote(people[0], 1));
      await lists();
      one.sent();
      await two.notes.insertMany([makeNote(people[0], 2), makeNote(people[0], 3)]);
      await two.cache.invalidate({ region: 'people', id: people[1].id });
      expect((await lists()).map(({ length }) => length)).to.deep.equal([3, 0]);
      expect(one.sent()).to.equal(1);
      expect(warnings()).to.deep.equal([]);
    });
  });
}
