import { expect } from 'chai';
import {
  ConfigurationError,
  ConnectionError,
  DatabaseProviderFactory,
  LiminalDataError,
  ValidationError,
  parseDatabaseConfig,
  type DatabaseProvider,
  type Logger,
  type ProviderOptions,
} from '../../../src/core/index.ts';
import { describeOnEachDatabase } from '../../support/database.ts';
import { rejectionOf } from '../../support/rejection.ts';

interface Tables {
  notes: { id: number; text: string };
}

describeOnEachDatabase('a provider', (database) => {
  const opened: DatabaseProvider<Tables>[] = [];

  async function open(
    options: ProviderOptions<Tables> = {},
    settings: object = {},
  ): Promise<DatabaseProvider<Tables>> {
    const config = { url: await database.freshUrl(), ...settings };
    const provider = DatabaseProviderFactory.createProvider<Tables>(config, options);
    opened.push(provider);
    return provider;
  }

  async function openWithNotes(options: ProviderOptions<Tables> = {}, settings: object = {}) {
    const provider = await open(options, settings);
    await provider.exec('create table notes (id bigint not null primary key, text text not null)');
    return provider;
  }

  afterEach(() => Promise.all(opened.splice(0).map((provider) => provider.close())));

  it('takes ? for parameters, and leaves it alone in literals, names and comments', async () => {
    const provider = await openWithNotes();
    await provider.exec("insert into notes (id, text) values (?, 'why?'), (?, ?) -- really?", [
      1,
      2,
      'because',
    ]);
    expect(await provider.query('select text as "what?" from notes where id = ? /* ? */', [1])).to.deep.equal(
      [{ 'what?': 'why?' }],
    );
    const error = await rejectionOf(provider.query('select text from notes where id = ?', [1, 2]));
    expect(error).to.be.instanceOf(ValidationError);
  });

  it('runs its hooks in order, once, at initialize and not before', async () => {
    const ran: string[] = [];
    const provider = await open({
      onInitialize: [
        async (own) => {
          await own.query('select 1 as one');
          ran.push('first');
        },
        async () => {
          ran.push('second');
        },
      ],
    });
    await provider.query('select 1 as one');
    expect(ran).to.deep.equal([]);
    await Promise.all([provider.initialize(), provider.initialize()]);
    await provider.initialize();
    expect(ran).to.deep.equal(['first', 'second']);
  });

  it('tries again at the next initialize when a hook failed', async () => {
    let calls = 0;
    const provider = await open({
      onInitialize: [
        async () => {
          calls += 1;
          if (calls === 1) throw new Error('not yet');
        },
      ],
    });
    expect(await rejectionOf(provider.initialize())).to.have.property('message', 'not yet');
    await provider.initialize();
    expect(calls).to.equal(2);
  });

  it('logs every statement with its duration and without its parameters, where debug is on', async () => {
    const lines: unknown[][] = [];
    const log = (...line: unknown[]) => void lines.push(line);
    const logger: Logger = { debug: log, info: log, warn: log, error: log };
    const provider = await openWithNotes({ logger }, { debug: true });
    await provider.exec('insert into notes (id, text) values (?, ?)', [1, 's3cret']);
    await rejectionOf(provider.query('select * from nowhere where a = ?', ['s3cret']));
    const [insert, failure] = lines.slice(-2);
    expect(insert?.[0]).to.have.property('sql').that.contains('insert into notes');
    expect(insert?.[0]).to.have.property('duration').that.is.a('number');
    expect(failure?.[1]).to.equal('statement failed');
    expect(JSON.stringify(lines)).not.to.contain('s3cret');
  });

  it('lives beside others, with nothing in common', async () => {
    const one = await openWithNotes();
    const other = await openWithNotes();
    await one.exec("insert into notes (id, text) values (1, 'one')");
    await one.close();
    expect(await other.db.selectFrom('notes').selectAll().execute()).to.deep.equal([]);
  });

  it('is not closed by a deadline that is none', async () => {
    const provider = await open();
    for (const deadline of [-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(await rejectionOf(provider.close({ deadline }))).to.be.instanceOf(ValidationError);
    }
    expect(await provider.query('select 1 as one')).to.deep.equal([{ one: 1 }]);
  });

  it('reports ill health by an error of the tree when Kysely was destroyed', async () => {
    const provider = await open();
    await provider.query('select 1 as one');
    await provider.db.destroy();
    const { healthy, error } = await provider.healthCheck();
    expect(healthy).to.equal(false);
    expect(error).to.be.instanceOf(LiminalDataError);
  });

  it('closes at the end of its block', async () => {
    let closed: DatabaseProvider<Tables>;
    {
      await using provider = await open();
      await provider.query('select 1 as one');
      closed = provider;
    }
    expect(closed.stats().size).to.equal(0);
  });

  it('is made of a configuration that was parsed before as well', async () => {
    const config = parseDatabaseConfig(await database.freshUrl());
    await using provider = DatabaseProviderFactory.createProvider<Tables>(config);
    expect(await provider.query('select 1 as one')).to.deep.equal([{ one: 1 }]);
  });
});

describe('a provider that cannot be', () => {
  it('is refused with every fault at once, before anything is opened', () => {
    const settings = { type: 'postgres', connection: { port: 0 }, pool: { max: -1 }, pol: {} };
    const make = () => DatabaseProviderFactory.createProvider(settings);
    expect(make).to.throw(ConfigurationError).with.property('issues').that.has.length(3);
  });

  it('for an engine that is not there yet says so', () => {
    for (const config of ['mysql://localhost/app', { type: 'mysql' }]) {
      expect(() => DatabaseProviderFactory.createProvider(config)).to.throw(
        ConfigurationError,
        'not supported yet',
      );
    }
  });

  it('reaches no server is ConnectionError, without the password', async () => {
    await using provider = DatabaseProviderFactory.createProvider('postgres://app:s3cret@127.0.0.1:9/app');
    const error = (await rejectionOf(provider.initialize({ deadline: 0 }))) as ConnectionError;
    expect(error).to.be.instanceOf(ConnectionError);
    const { inspect } = await import('node:util');
    expect(inspect(error, { depth: 10, showHidden: true })).not.to.contain('s3cret');
    expect(inspect(provider, { depth: 10, showHidden: true })).not.to.contain('s3cret');
  });
});
