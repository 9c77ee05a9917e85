import { expect } from 'chai';
import type { ConfigSection } from '../../../src/core/config/config-section.ts';
import type { EngineConfig } from '../../../src/core/config/engine-config.ts';
import { parseDatabaseConfig } from '../../../src/core/config/parse-database-config.ts';
import { sqliteConfig } from '../../../src/core/config/sqlite-config.ts';
import { faultsOf } from '../../support/configuration-faults.ts';

const remoteConfig: EngineConfig<'remote', { origin: string; retries: number; gzip: boolean }> = {
  type: 'remote',
  schemes: ['remote'],
  fromUrl(url) {
    const { origin } = new URL(url.replace(/^remote:/, 'https:'));
    return { connection: { origin } };
  },
  parseConnection(section: ConfigSection) {
    const origin = section.string('origin') ?? '';
    if (!section.has('origin')) section.fault('origin', 'is missing');
    return {
      origin,
      retries: section.integer('retries', { min: 0, max: 9, default: 2 }),
      gzip: section.boolean('gzip', true),
    };
  },
};
const engines = [remoteConfig, sqliteConfig];

describe('An engine of the application', () => {
  it('is picked by its type and checks its own connection', () => {
    const config = parseDatabaseConfig(
      { type: 'remote', connection: { origin: 'https://db', retries: 5 } },
      engines,
    );
    expect(config).to.deep.include({
      type: 'remote',
      connection: { origin: 'https://db', retries: 5, gzip: true },
    });
  });

  it('is picked by its scheme, and its fields are converted from text', () => {
    const config = parseDatabaseConfig(
      'remote://db/?connection.retries=0&connection.gzip=0&pool.max=3',
      engines,
    );
    expect(config.connection).to.deep.equal({ origin: 'https://db', retries: 0, gzip: false });
    expect(config.pool.max).to.equal(3);
  });

  it('has its unknown fields reported without asking for it', () => {
    const faults = faultsOf(() =>
      parseDatabaseConfig({ type: 'remote', connection: { gzp: true } }, engines),
    );
    expect(faults).to.deep.equal([
      'connection.origin: is missing',
      'connection.gzp: is unknown here; did you mean gzip? known: gzip, origin, retries',
    ]);
  });

  it('cannot leak a URL by an error of its own', () => {
    const faults = faultsOf(() => parseDatabaseConfig('remote://user:password@:99999', engines));
    expect(faults).to.deep.equal(['url: cannot be read']);
  });

  it('is unknown where it was not handed in, also for a config that was parsed with it', () => {
    const config = parseDatabaseConfig('remote://db', engines);
    expect(parseDatabaseConfig(config, engines)).to.equal(config);
    expect(faultsOf(() => parseDatabaseConfig(config))).to.deep.equal([
      'type: must be one of sqlite, postgres',
    ]);
  });

  it('replaces a built-in one of the same type when it stands first', () => {
    const strict: EngineConfig = { ...sqliteConfig, parseConnection: () => ({ strict: true }) };
    expect(parseDatabaseConfig({ type: 'sqlite' }, [strict, sqliteConfig]).connection).to.deep.equal({
      strict: true,
    });
  });
});
