import { expect } from 'chai';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { inspect } from 'node:util';
import {
  ConfigurationError,
  ConnectionError,
  DecryptionError,
  LiminalDataError,
} from '../../../src/core/index.ts';
import {
  createWrappedKey,
  FieldCipher,
  LocalKeyProvider,
  openKeyRing,
  type KeyProvider,
} from '../../../src/core/security/index.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { passMicrotasks } from '../../support/microtasks.ts';
import { rejectionOf } from '../../support/rejection.ts';
import { until } from '../../support/until.ts';
import { ringOf } from './ring-of-keys.ts';

const place = { table: 't', column: 'c', row: 'r' };
const canary = 'hunter2-of-the-service';

/** A key management service over HTTP, as an application would write its client. */
class RemoteKeyProvider implements KeyProvider {
  readonly #url: string;

  constructor(url: string) {
    this.#url = url;
  }

  wrap(dataKey: Uint8Array, { signal }: { signal: AbortSignal }): Promise<string> {
    return this.#post('wrap', Buffer.from(dataKey).toString('base64'), signal);
  }

  async unwrap(wrapped: string, { signal }: { signal: AbortSignal }): Promise<Uint8Array> {
    return Buffer.from(await this.#post('unwrap', wrapped, signal), 'base64');
  }

  async #post(verb: string, body: string, signal: AbortSignal): Promise<string> {
    const response = await fetch(`${this.#url}/${verb}`, { method: 'POST', body, signal });
    if (!response.ok) throw new Error(`${canary}: ${response.status} for ${body}`);
    return response.text();
  }
}

describe('a key provider', () => {
  const local = new LocalKeyProvider(ringOf('master'));
  const open: Server[] = [];
  let asked = 0;
  let gone = 0;

  async function serve(answer: RequestListener): Promise<RemoteKeyProvider> {
    asked = 0;
    gone = 0;
    const server = createServer((request, response) => {
      asked += 1;
      response.on('close', () => (gone += response.writableFinished ? 0 : 1));
      answer(request, response);
    });
    open.push(server);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new RemoteKeyProvider(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  }

  const soundly: RequestListener = (request, response) => {
    void text(request).then(async (body) => {
      const isWrap = request.url === '/wrap';
      const answer = isWrap
        ? await local.wrap(Buffer.from(body, 'base64'))
        : Buffer.from(await local.unwrap(body)).toString('base64');
      response.end(answer);
    });
  };

  afterEach(() => {
    for (const server of open.splice(0)) {
      server.closeAllConnections();
      server.close();
    }
  });

  it('wraps new keys, which make a ring again, here and over a network', async () => {
    for (const provider of [local, await serve(soundly)]) {
      const keys = [await createWrappedKey(provider), await createWrappedKey(provider)];
      const ring = await openKeyRing(provider, keys);
      expect(ring.ids).to.deep.equal(keys.map(({ id }) => id));
      const sealed = new FieldCipher(ring).seal('v', place);
      const again = await openKeyRing(provider, keys);
      expect(new FieldCipher(again).open(sealed, place).reveal()).to.equal('v');
    }
    expect(asked).to.equal(6);
  });

  it('is asked again where it fails for a while, and no more often than told', async () => {
    let failures = 2;
    const provider = await serve((request, response) => {
      failures -= 1;
      if (failures >= 0) response.writeHead(503).end();
      else soundly(request, response);
    });
    const key = { id: 'a', wrapped: (await createWrappedKey(local)).wrapped };
    expect((await openKeyRing(provider, [key])).ids).to.deep.equal(['a']);
    expect(asked).to.equal(3);
    failures = Number.POSITIVE_INFINITY;
    const error = await rejectionOf(openKeyRing(provider, [key], { attempts: 2 }));
    expect(asked).to.equal(5);
    expect(error).to.be.instanceOf(ConnectionError).with.property('retryable', true);
    expect(inspect(error, { depth: 10, showHidden: true })).not.to.contain(canary);
  });

  it('that does not answer is given up in time, and its request is cut', async () => {
    const provider = await serve(() => {});
    const started = performance.now();
    const error = await rejectionOf(
      openKeyRing(provider, [{ id: 'a', wrapped: 'x' }], { timeout: 100, attempts: 2 }),
    );
    expect(error).to.be.instanceOf(ConnectionError);
    expect((error as Error).message).to.contain('100 ms');
    expect(performance.now() - started).to.be.within(199, 10_000);
    expect(asked).to.equal(2);
    await until(() => gone === 2);
  });

  it('that is not there is told, and a signal ends the waiting', async () => {
    const provider = await serve(soundly);
    open[0]?.closeAllConnections();
    open.splice(0)[0]?.close();
    expect(
      await rejectionOf(openKeyRing(provider, [{ id: 'a', wrapped: 'x' }], { attempts: 1 })),
    ).to.be.instanceOf(ConnectionError);
    const silent = await serve(() => {});
    const controller = new AbortController();
    const opening = rejectionOf(
      openKeyRing(silent, [{ id: 'a', wrapped: 'x' }], { signal: controller.signal }),
    );
    await until(() => asked > 0);
    const reason = new Error('enough');
    controller.abort(reason);
    expect(await opening).to.equal(reason);
    await until(() => gone > 0);
  });

  it('that answers wrongly makes no ring', async () => {
    const answers = [
      '',
      'AAAA',
      Buffer.alloc(32).toString('base64'),
      Buffer.from(`${canary}0123456789`).toString('base64'),
    ];
    for (const answer of answers) {
      const provider = await serve((_, response) => void response.end(answer));
      const error = await rejectionOf(openKeyRing(provider, [{ id: 'a', wrapped: 'x' }]));
      expect(error).to.be.instanceOf(ConfigurationError);
      expect(inspect(error, { depth: 10 })).not.to.contain(canary);
      expect(asked, 'a wrong answer is not asked for again').to.equal(1);
    }
    const empty = await serve((_, response) => void response.end());
    expect(await rejectionOf(createWrappedKey(empty))).to.be.instanceOf(ConfigurationError);
    const strange = { unwrap: () => Promise.resolve('text') } as unknown as KeyProvider;
    expect(await rejectionOf(openKeyRing(strange, [{ id: 'a', wrapped: 'x' }]))).to.be.instanceOf(
      ConfigurationError,
    );
  });

  it('leaves no bytes of a key behind, whether a ring is made of them or not, also where they come late', async () => {
    const given: Buffer[] = [];
    const give = (): Buffer => {
      const bytes = randomBytes(32);
      given.push(bytes);
      return bytes;
    };
    const late = Promise.withResolvers<void>();
    const provider: KeyProvider = {
      wrap: () => Promise.reject(new Error('not asked for')),
      async unwrap(wrapped) {
        if (wrapped === 'late') await late.promise;
        if (wrapped === 'bad') throw new Error('not today');
        return wrapped === 'weak' ? give().fill(7) : give();
      },
    };
    const keysOf = (...wrapped: string[]) =>
      wrapped.map((each, index) => ({ id: `k${index}`, wrapped: each }));
    await openKeyRing(provider, keysOf('good', 'good'));
    const patience = { attempts: 1 };
    for (const wrapped of [
      ['good', 'bad'],
      ['good', 'weak'],
      ['good', 'late', 'bad'],
    ]) {
      expect(await rejectionOf(openKeyRing(provider, keysOf(...wrapped), patience))).to.be.instanceOf(
        LiminalDataError,
      );
    }
    const impatient = { ...patience, timeout: 1 };
    expect(await rejectionOf(openKeyRing(provider, keysOf('late'), impatient))).to.be.instanceOf(
      ConnectionError,
    );
    const before = given.length;
    late.resolve();
    await until(() => given.length === before + 2);
    await until(() => given.every((bytes) => bytes.equals(Buffer.alloc(32))));
  });

  it('is asked for no further key once one has failed', async () => {
    const wanted: string[] = [];
    const clock = new FakeClock();
    const provider: KeyProvider = {
      wrap: () => Promise.reject(new Error('not asked for')),
      unwrap(wrapped) {
        wanted.push(wrapped);
        return Promise.reject(
          wrapped === 'wrong' ? new DecryptionError({ table: 't', column: 'c' }) : new Error('not today'),
        );
      },
    };
    const keys = [
      { id: 'a', wrapped: 'away' },
      { id: 'b', wrapped: 'wrong' },
    ];
    expect(await rejectionOf(openKeyRing(provider, keys, { clock }))).to.be.instanceOf(DecryptionError);
    clock.advance(60_000);
    await passMicrotasks(50);
    expect(clock.pending).to.equal(0);
    expect(wanted).to.deep.equal(['away', 'wrong']);
  });

  it('does not unwrap what another one wrapped, and says so without asking again', async () => {
    const { wrapped } = await createWrappedKey(new LocalKeyProvider(ringOf('other')));
    expect(await rejectionOf(openKeyRing(local, [{ id: 'a', wrapped }]))).to.be.instanceOf(DecryptionError);
  });

  it('is asked in a way that makes sense', async () => {
    for (const options of [{ timeout: 0 }, { timeout: Number.NaN }, { attempts: 0 }, { attempts: 101 }]) {
      expect(await rejectionOf(openKeyRing(local, [], options))).to.be.instanceOf(ConfigurationError);
      expect(await rejectionOf(createWrappedKey(local, options))).to.be.instanceOf(ConfigurationError);
    }
  });
});
