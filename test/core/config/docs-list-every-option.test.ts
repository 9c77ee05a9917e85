import { expect } from 'chai';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from '../../../scripts/run-command.ts';
import { poolOptions, timeoutOptions } from '../../../src/core/config/database-options.ts';
import { environmentVariables, variablesWithFile } from '../../../src/core/config/environment-variables.ts';
import { databaseConfigFromEnv, defaultFilename } from '../../../src/core/config/from-env.ts';
import { parseDatabaseConfig } from '../../../src/core/config/parse-database-config.ts';
import type { DatabaseConfig } from '../../../src/core/config/database-config.ts';
import { postgresDefaults, replicaMaxLagOption } from '../../../src/core/config/postgres-config.ts';
import { loopBlockOption, sqliteDefaults, workersOption } from '../../../src/core/config/sqlite-config.ts';
import { faultsOf } from '../../support/configuration-faults.ts';

interface Row {
  readonly fallback: string;
  readonly range: string;
  readonly variables: readonly string[];
  readonly urls: readonly string[];
}

function readTable(): Map<string, Row> {
  const page = readFileSync(join(projectRoot, 'docs/configuration.md'), 'utf8');
  const [, table = ''] = /^(\| Option [^]*?)\n\n/m.exec(page) ?? [];
  const rows = table
    .split('\n')
    .slice(2)
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
  return new Map(
    rows.map(([option = '', , fallback = '', range = '', variables = '', urls = '']) => [
      readCode(option)[0] ?? '',
      { fallback, range, variables: readCode(variables), urls: readCode(urls) },
    ]),
  );
}

function readCode(cell: string): string[] {
  return Array.from(cell.matchAll(/`([^`]+)`/g), ([, code]) => code ?? '');
}

/** The parser itself says what it knows, when it meets a key that it does not. */
function findKnownOptions(): string[] {
  const strange = { strange: 1 };
  const faults = ['sqlite', 'postgres'].flatMap((type) =>
    faultsOf(() => parseDatabaseConfig({ type, connection: strange, pool: strange, ...strange })),
  );
  const options = faults.flatMap((fault) => {
    const [, section = '', known = ''] = /^(.*?)strange: .*known: (.*)$/.exec(fault) ?? [];
    return known.split(', ').map((name) => section + name);
  });
  return [...new Set(options)].filter((option) => !['', 'connection', 'pool'].includes(option));
}

function valueOf(config: DatabaseConfig, option: string): unknown {
  return option
    .split('.')
    .reduce<unknown>((value, field) => (value as Record<string, unknown>)[field], config);
}

describe('docs/configuration.md', () => {
  const table = readTable();
  const code = (text: string) => `\`${text}\``;

  it('lists every option that the parser knows, and no other', () => {
    expect([...table.keys()]).to.have.members(findKnownOptions());
  });

  for (const [option, { min, max, default: fallback }] of [
    ...Object.entries(poolOptions).map(([name, range]) => [`pool.${name}`, range] as const),
    ...Object.entries(timeoutOptions),
    ['connection.workers', workersOption] as const,
    ['connection.loopBlockThreshold', loopBlockOption] as const,
    ['connection.replicaMaxLag', replicaMaxLagOption] as const,
    ['connection.port', { min: 1, max: 65_535, default: postgresDefaults.port }] as const,
  ]) {
    it(`states the default and the range of ${option}`, () => {
      const row = table.get(option);
      const [lowest, highest] =
        row?.range
          .replace(/ \(.*?\)|,(?=\d{3})/g, '')
          .match(/^\d+ to \d+/)?.[0]
          .split(' to ') ?? [];
      expect(Number(row?.fallback.replaceAll(',', ''))).to.equal(fallback);
      expect([Number(lowest), Number(highest)]).to.deep.equal([min, max]);
    });
  }

  it('states every other default', () => {
    const { host, user, channelBinding, applicationName } = postgresDefaults;
    const config = databaseConfigFromEnv({});
    for (const [option, fallback] of [
      ['connection.host', code(host)],
      ['connection.user', code(user)],
      ['connection.channelBinding', code(String(channelBinding))],
      ['connection.scram', code(postgresDefaults.scram)],
      ['connection.applicationName', code(applicationName)],
      ['connection.filename', `none; ${code(defaultFilename)} in the environment`],
      ['type', `none; ${code(config.type)} in the environment`],
      ['debug', code(String(config.debug))],
      ['connection.memory', code('false')],
      ['connection.durability', code(sqliteDefaults.durability)],
      ['connection.prepare', code(postgresDefaults.prepare)],
    ] as const) {
      expect(table.get(option)?.fallback, option).to.equal(fallback);
    }
  });

  it('names the environment variable of every option, and its twin', () => {
    const documented = [...table].flatMap(([option, { variables }]) =>
      variables.map((variable) => [variable, option]),
    );
    const twins = variablesWithFile.map((variable) => [`${variable}_FILE`, environmentVariables[variable]]);
    expect(documented).to.have.deep.members([...Object.entries(environmentVariables), ...twins]);
  });

  for (const [option, { urls }] of table) {
    for (const url of urls) {
      it(`shows with ${url} how a URL says ${option}`, () => {
        const address = url.startsWith('?') ? `postgres://localhost/${url}` : url;
        const compareWithSqlite = address.startsWith('sqlite') !== (option === 'type');
        const unsaid = parseDatabaseConfig(compareWithSqlite ? 'sqlite:other.db' : 'postgres://localhost');
        expect(valueOf(parseDatabaseConfig(address), option)).not.to.deep.equal(valueOf(unsaid, option));
      });
    }
  }
});
