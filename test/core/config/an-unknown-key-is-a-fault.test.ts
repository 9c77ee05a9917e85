import { expect } from 'chai';
import { parseDatabaseConfig } from '../../../src/core/config/parse-database-config.ts';
import { faultsOf } from '../../support/configuration-faults.ts';

describe('An unknown key', () => {
  it('is a fault on every level', () => {
    const input = {
      type: 'sqlite',
      connection: { memory: true, wal: 1 },
      pool: { size: 3 },
      extra: undefined,
    };
    expect(faultsOf(() => parseDatabaseConfig(input)).map((line) => line.split(':')[0])).to.have.members([
      'connection.wal',
      'pool.size',
      'extra',
    ]);
  });

  for (const [written, meant] of [
    ['hots', 'host'],
    ['pasword', 'password'],
    ['username', 'user'],
    ['Host', 'host'],
    ['dataBase', 'database'],
  ]) {
    it(`such as ${written} is answered with the name ${meant} that was probably meant`, () => {
      const input = { type: 'postgres', connection: { [written as string]: 'x' } };
      expect(faultsOf(() => parseDatabaseConfig(input))[0]).to.include(`did you mean ${meant}?`);
    });
  }

  it('gets no suggestion when nothing is near, but the list of what there is', () => {
    const [fault] = faultsOf(() =>
      parseDatabaseConfig({ type: 'sqlite', connection: { memory: true, journal: 'x' } }),
    );
    expect(fault).to.equal(
      'connection.journal: is unknown here; known: durability, filename, loopBlockThreshold, memory, workers',
    );
  });

  it('is a fault in a query, so that parameters of SQLite and libpq are not lost in silence', () => {
    for (const url of [
      'sqlite:app.db?mode=memory',
      'file:app.db?cache=shared',
      'postgres://h/d?target_session_attrs=any',
    ]) {
      expect(faultsOf(() => parseDatabaseConfig(url))[0]).to.match(
        /^(mode|cache|target_session_attrs): is unknown/,
      );
    }
  });

  it('never reaches a prototype', () => {
    const hostile =
      '{"type":"sqlite","__proto__":{"debug":true},"constructor":{},"connection":{"memory":true}}';
    const nested = '{"url":"sqlite::memory:","pool":{"__proto__":{"max":5}},"__proto__":{"debug":true}}';
    const query = 'sqlite::memory:?__proto__.debug=true&constructor.prototype.debug=true';
    const inputs = [JSON.parse(hostile), JSON.parse(nested), query] as unknown[];
    for (const input of inputs) {
      const faults = faultsOf(() => parseDatabaseConfig(input));
      expect(faults).to.have.lengthOf(2);
      expect(faults.join('\n')).to.include('__proto__: is unknown here');
    }
    expect(({} as Record<string, unknown>)['debug']).to.equal(undefined);
    expect(parseDatabaseConfig('sqlite::memory:').debug).to.equal(false);
  });

  it('that somebody put on a prototype is not taken for a setting', () => {
    const prototype = Object.prototype as unknown as Record<string, unknown>;
    prototype['debug'] = true;
    try {
      const config = parseDatabaseConfig({ type: 'sqlite', connection: { memory: true } });
      expect(config.debug).to.equal(false);
    } finally {
      delete prototype['debug'];
    }
  });
});
