// Security check: C7.
import { expect } from 'chai';
import pg from 'pg';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { runBin } from '../../cli/run-bin.ts';
import { startProgram } from '../../support/child-program.ts';
import { describeOnEachDatabase } from '../../support/database.ts';
import { makeTempDirectory } from '../../support/temp-directory.ts';
import { generateKey } from '../../../src/core/security/index.ts';

const program = new URL('singing-program.ts', import.meta.url);
const key = generateKey().key.reveal();
const canaries = {
  password: 'canary-password-hunter2',
  key,
  plaintext: 'canary-plaintext-sk-0123',
  parameter: 'canary-parameter-ann@example.org',
  token: randomBytes(48).toString('base64url'),
};

/** Each secret in the forms in which it may come out. */
const songs: Readonly<Record<string, string>> = {
  password: canaries.password,
  plaintext: canaries.plaintext,
  parameter: canaries.parameter,
  token: canaries.token,
  key: key.slice(0, 40),
  'key in base64url': Buffer.from(key, 'base64').toString('base64url').slice(0, 40),
  'key in hexadecimal': Buffer.from(key, 'base64').toString('hex'),
  'key as bytes': Array.from(Buffer.from(key, 'base64').subarray(0, 8)).join(','),
  'key as a printed buffer': Array.from(Buffer.from(key, 'base64').subarray(0, 8), (byte) =>
    byte.toString(16).padStart(2, '0'),
  ).join(' '),
  'plaintext in base64': Buffer.from(canaries.plaintext).toString('base64').slice(0, 28),
  'plaintext in hexadecimal': Buffer.from(canaries.plaintext).toString('hex'),
};

/**
 * The lines in which a secret stands.
 *
 * @param made secrets that came into being in the program
 */
function findSongs(output: string, made: readonly string[] = []): string[] {
  const known = [...Object.entries(songs), ...made.map((secret) => ['made there', secret] as const)];
  return output
    .split('\n')
    .flatMap((line) =>
      known
        .filter(([, song]) => line.replaceAll(/,\s+/g, ',').includes(song))
        .map(([name]) => `${name}: ${line.slice(0, 300)}`),
    );
}

describeOnEachDatabase('no output holds a secret', (database) => {
  const role = `canary_${process.pid}_${randomBytes(3).toString('hex')}`;
  let connection: unknown;
  let removeRole = (): Promise<unknown> => Promise.resolve();

  before(async () => {
    const url = await database.freshUrl();
    if (database.name !== 'postgres') {
      connection = { url };
      return;
    }
    const { hostname, port, pathname } = new URL(url);
    const admin = new pg.Client({ connectionString: url });
    await admin.connect();
    await admin.query(`create role ${role} login password '${canaries.password}'`);
    await admin.query(`grant all on schema public to ${role}`);
    removeRole = async () => {
      await admin.query(`drop owned by ${role}`);
      await admin.query(`drop role ${role}`);
      await admin.end();
    };
    connection = {
      type: 'postgres',
      connection: {
        host: hostname,
        port: Number(port),
        database: pathname.slice(1),
        user: role,
        password: canaries.password,
      },
      statementTimeout: 300,
    };
  });
  after(() => removeRole());

  it('of a program that prints all that it is given, also where it dies of an error', async () => {
    const madeThere = join(makeTempDirectory('secrets'), 'made.json');
    const run = startProgram(program, [JSON.stringify(connection)], {
      env: { CANARIES: JSON.stringify(canaries), MADE_SECRETS: madeThere },
    });
    const { code, stderr } = await run.ended;
    const stdout = run.lines.join('\n');
    expect(stdout, stderr).to.match(/^the end$/m);
    expect(code).to.equal(1);
    const made = JSON.parse(readFileSync(madeThere, 'utf8')) as string[];
    expect(made).to.have.length(6);
    expect(findSongs(`${stdout}\n${stderr}`, made)).to.deep.equal([]);
    const codes = /^codes: (.*)$/m.exec(stdout)?.[1]?.split(' ') ?? [];
    console.log(
      `      figure: ${codes.length} classes of errors, ${stdout.length + stderr.length} characters, 0 secrets`,
    );
    const ofPostgres = [
      'LIMINAL_COMMIT_OUTCOME_UNKNOWN',
      'LIMINAL_DEADLOCK',
      'LIMINAL_SERIALIZATION_FAILURE',
    ];
    expect(codes).to.include.members([
      ...(database.name === 'postgres' ? ofPostgres : []),
      'LIMINAL_CHECK_VIOLATION',
      'LIMINAL_CONFIGURATION',
      'LIMINAL_CONNECTION',
      'LIMINAL_DECRYPTION',
      'LIMINAL_FORBIDDEN',
      'LIMINAL_FOREIGN_KEY_VIOLATION',
      'LIMINAL_INVALID_TOKEN',
      'LIMINAL_KEY_EXHAUSTED',
      'LIMINAL_NOT_FOUND',
      'LIMINAL_NOT_NULL_VIOLATION',
      'LIMINAL_POOL_CLOSED',
      'LIMINAL_QUERY',
      'LIMINAL_STALE_ENTITY',
      'LIMINAL_TRANSACTION_CLOSED',
      'LIMINAL_TRANSACTION_TIMEOUT',
      'LIMINAL_UNIQUE_VIOLATION',
      'LIMINAL_UNKNOWN_KEY',
      'LIMINAL_UNREADABLE_ROW',
      'LIMINAL_VALIDATION',
    ]);
  }).timeout(180_000);
});

describe('no verb prints a secret of its environment', () => {
  const env = {
    DATABASE_URL: `postgres://app:${canaries.password}@127.0.0.1:1/none`,
    LIMINAL_ENCRYPTION_KEY: `a:${key},b:${key}`,
  };
  for (const args of [
    ['keys', 'generate'],
    ['keys', canaries.plaintext],
    ['migrate', 'status'],
    ['outbox', 'status'],
    ['saga', 'list'],
    ['--help'],
  ]) {
    it(args.join(' ').replace(canaries.plaintext, '…'), async () => {
      const { stdout, stderr } = await runBin([...args, '--debug'], { env });
      // What was typed may be repeated; what was not typed must not come out.
      const output = `${stdout}\n${stderr}`.replaceAll(`'${canaries.plaintext}'`, '');
      expect(findSongs(output)).to.deep.equal([]);
    }).timeout(90_000);
  }

  it('and a song would be heard', () => {
    for (const [name, song] of Object.entries(songs)) {
      expect(findSongs(`x${song}y`).join()).to.contain(`${name}: `);
    }
  });
});
