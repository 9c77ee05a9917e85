// Security check: C13.
import { expect } from 'chai';
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { ConfigurationError, KeySetUnavailableError, Secret } from '../../../../src/core/index.ts';
import { RemoteKeySet, TokenKeys, TokenVerifier } from '../../../../src/core/security/index.ts';
import { FakeClock } from '../../../support/fake-clock.ts';
import { rejectionOf } from '../../../support/rejection.ts';
import { watchedLogger } from '../../../support/secrets/watched-logger.ts';
import { until } from '../../../support/until.ts';
import { audience, forgeEdwards, goodClaims, issuer, refusalOf, typ } from './tokens-fixture.ts';

/** Time that stands still, and timers that are real: nothing here waits for a limit that it does not want. */
class StillClock extends FakeClock {
  readonly #timers: Set<() => void> = new Set();

  override schedule(_delay: number, callback: () => void): () => void {
    this.#timers.add(callback);
    return () => this.#timers.delete(callback);
  }

  /** How many wait. */
  override get pending(): number {
    return this.#timers.size;
  }

  fireAll(): void {
    for (const callback of this.#timers) callback();
  }
}

describe('a foreign key set is fetched with limits', () => {
  const pair = generateKeyPairSync('ed25519');
  const other = generateKeyPairSync('ed25519');
  let server: Server;
  let answer: RequestListener;
  let requests: string[];
  let url: string;
  let clock: StillClock;

  const publish =
    (...keys: object[]): RequestListener =>
    (_request, response) =>
      void response.end(JSON.stringify({ keys }));
  const jwkOf = (key: KeyObject, kid: string, changes: object = {}) => ({
    ...key.export({ format: 'jwk' }),
    kid,
    alg: 'EdDSA',
    use: 'sig',
    ...changes,
  });
  const verifierFor = (keys: RemoteKeySet) =>
    new TokenVerifier({
      keys,
      algorithms: ['EdDSA'],
      issuer,
      audience,
      typ,
      maxLifetime: 60_000,
      requiredClaims: ['exp', 'iat', 'sub'],
      clock,
    });
  const keySet = (changes: object = {}) =>
    new RemoteKeySet({ url, algorithms: ['EdDSA'], clock, maxBytes: 2_048, ...changes });
  const tokenBy = (kid: string, key: KeyObject) =>
    forgeEdwards({ alg: 'EdDSA', typ, kid }, goodClaims(clock), key);

  before(async () => {
    server = createServer((request, response) => {
      requests.push(request.url ?? '');
      answer(request, response);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks.json`;
  });

  after(() => {
    server.closeAllConnections();
    server.close();
  });

  beforeEach(() => {
    clock = new StillClock();
    requests = [];
    answer = publish(jwkOf(pair.publicKey, 'one'));
  });

  it('verifies by what was published, and fetches once for many', async () => {
    const verifier = verifierFor(keySet());
    const token = tokenBy('one', pair.privateKey);
    await Promise.all(Array.from({ length: 100 }, () => verifier.verify(token)));
    expect(requests).to.deep.equal(['/jwks.json']);
    await refusalOf(verifier, tokenBy('one', other.privateKey));
    expect(clock.pending).to.equal(0);
  });

  it('takes what this library publishes', async () => {
    const secret = TokenKeys.of([{ kid: 'one', alg: 'EdDSA', privateKey: pemOf(pair.privateKey) }]);
    answer = (_request, response) => void response.end(JSON.stringify(secret.toJwks()));
    await verifierFor(keySet()).verify(tokenBy('one', pair.privateKey));
  });

  it('asks again for an unknown key id at most once in 30 s', async () => {
    const verifier = verifierFor(keySet());
    await verifier.verify(tokenBy('one', pair.privateKey));
    answer = publish(jwkOf(pair.publicKey, 'one'), jwkOf(other.publicKey, 'two'));
    for (let index = 0; index < 50; index += 1)
      await refusalOf(verifier, tokenBy(`made-up-${index}`, other.privateKey));
    expect(requests.length).to.equal(1);
    clock.advance(29_999);
    await refusalOf(verifier, tokenBy('two', other.privateKey));
    clock.advance(1);
    await verifier.verify(tokenBy('two', other.privateKey));
    await refusalOf(verifier, tokenBy('made-up', other.privateKey));
    expect(requests.length).to.equal(2);
  });

  it('forgets a key that is published no more, once it is as old as allowed', async () => {
    const verifier = verifierFor(keySet({ maxAge: 60_000 }));
    await verifier.verify(tokenBy('one', pair.privateKey));
    answer = publish(jwkOf(other.publicKey, 'two'));
    clock.advance(60_000);
    await refusalOf(verifier, tokenBy('one', pair.privateKey));
  });

  it('fetches anew as soon as keys are too old, and pauses behind a failure alone', async () => {
    const verifier = verifierFor(keySet({ maxAge: 1_000, maxStale: 1_000 }));
    const token = tokenBy('one', pair.privateKey);
    for (let round = 1; round <= 3; round += 1) {
      await verifier.verify(token);
      await verifier.verify(token);
      expect(requests.length).to.equal(round);
      clock.advance(1_000);
    }
    answer = (_request, response) => void response.destroy();
    for (let round = 0; round < 3; round += 1)
      expect(await rejectionOf(verifier.verify(token))).to.be.instanceOf(KeySetUnavailableError);
    clock.advance(29_999);
    expect(await rejectionOf(verifier.verify(token))).to.be.instanceOf(KeySetUnavailableError);
    expect(requests.length).to.equal(4);
  });

  it('goes on by what it has while the server is down, and not for ever', async () => {
    const verifier = verifierFor(keySet({ maxAge: 60_000, maxStale: 120_000 }));
    await verifier.verify(tokenBy('one', pair.privateKey));
    answer = (_request, response) => void response.destroy();
    clock.advance(119_999);
    await verifier.verify(tokenBy('one', pair.privateKey));
    clock.advance(1);
    const error = await rejectionOf(verifier.verify(tokenBy('one', pair.privateKey)));
    expect(error).to.be.instanceOf(KeySetUnavailableError);
    expect((error as KeySetUnavailableError).retryable).to.equal(true);
    answer = publish(jwkOf(pair.publicKey, 'one'));
    clock.advance(30_000);
    await verifier.verify(tokenBy('one', pair.privateKey));
  });

  it('says where it failed without the query of the address, which may hold a key', async () => {
    answer = (_request, response) => void response.destroy();
    const urls: unknown[] = [];
    const hear = (fields: Readonly<Record<string, unknown>>) => void urls.push(fields['url']);
    const logger = watchedLogger({ debug: hear, info: hear, warn: hear, error: hear });
    const keys = keySet({ url: `${url}?code=secret`, logger });
    expect(await rejectionOf(keys.findKey('one', 'EdDSA'))).to.be.instanceOf(KeySetUnavailableError);
    expect(urls).to.deep.equal([url]);
  });

  const failures: Readonly<Record<string, RequestListener>> = {
    'a redirect': (_request, response) => void response.writeHead(302, { location: '/other.json' }).end(),
    'a redirect to another place': (_request, response) =>
      void response.writeHead(307, { location: 'http://169.254.169.254/' }).end(),
    'another status': (_request, response) => void response.writeHead(500).end('{"keys":[]}'),
    nothing: (_request, response) => void response.destroy(),
    'what is no JSON': (_request, response) => void response.end('<html>'),
    'members twice': (_request, response) => void response.end('{"keys":[],"keys":[]}'),
    'no key set': (_request, response) => void response.end('{"keys":{}}'),
    'an endless body': (_request, response) => {
      const feed = () => {
        while (!response.destroyed && response.write(' '.repeat(65_536)));
        response.once('drain', feed);
      };
      feed();
    },
    'a body that is small until it is unpacked': (_request, response) =>
      void response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(' '.repeat(10_000_000))),
  };
  for (const [title, fail] of Object.entries(failures)) {
    it(`accepts nothing where the server answers ${title}`, async () => {
      answer = fail;
      const error = await rejectionOf(verifierFor(keySet()).verify(tokenBy('one', pair.privateKey)));
      expect(error).to.be.instanceOf(KeySetUnavailableError);
      expect(requests).to.deep.equal(['/jwks.json']);
      expect(clock.pending).to.equal(0);
    });
  }

  for (const head of [false, true]) {
    it(`stops waiting for a server that ${head ? 'begins and' : ''} does not answer`, async () => {
      answer = (_request, response) => void (head ? response.write('{') : undefined);
      const refused = rejectionOf(verifierFor(keySet()).verify(tokenBy('one', pair.privateKey)));
      await until(() => requests.length === 1);
      clock.fireAll();
      expect(await refused).to.be.instanceOf(KeySetUnavailableError);
    });
  }

  it('takes no key that is private, weak, for another purpose or of another kind', async () => {
    const rsa = generateKeyPairSync('rsa', { modulusLength: 1_024 });
    const odd = [
      jwkOf(pair.privateKey, 'private'),
      { kty: 'oct', k: Buffer.alloc(32, 1).toString('base64url'), kid: 'oct', alg: 'HS256' },
      jwkOf(pair.publicKey, 'enc', { use: 'enc' }),
      jwkOf(pair.publicKey, 'ops', { key_ops: ['sign'] }),
      jwkOf(pair.publicKey, 'alg', { alg: 'HS256' }),
      jwkOf(pair.publicKey, 'none', { alg: 'none' }),
      jwkOf(pair.publicKey, '../path'),
      { ...rsa.publicKey.export({ format: 'jwk' }), kid: 'weak' },
      jwkOf(pair.publicKey, 'cut', { x: 'AA' }),
      null,
      'text',
    ];
    answer = publish(...(odd as object[]), jwkOf(pair.publicKey, 'one'), jwkOf(other.publicKey, 'one'));
    const keys = keySet({ maxBytes: 8_192 });
    for (const kid of ['private', 'oct', 'enc', 'ops', 'alg', 'none', 'weak', 'cut']) {
      expect(await keys.findKey(kid, 'EdDSA'), kid).to.equal(undefined);
      expect(await keys.findKey(kid, 'HS256'), kid).to.equal(undefined);
    }
    const verifier = verifierFor(keys);
    await verifier.verify(tokenBy('one', pair.privateKey));
    await refusalOf(verifier, tokenBy('one', other.privateKey));
  });

  it('takes a key without an algorithm for the one that fits it, where there is one', async () => {
    const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 });
    answer = publish({ ...publicKey.export({ format: 'jwk' }), kid: 'r' });
    expect(await keySet({ algorithms: ['RS256'] }).findKey('r', 'RS256')).not.to.equal(undefined);
    const two = keySet({ algorithms: ['RS256', 'RS384'] });
    expect(await two.findKey('r', 'RS256')).to.equal(undefined);
  });

  it('takes no RSA key by whose exponent everybody can sign', async () => {
    const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 });
    const keys = ['AQ', 'Aw', 'AQAB'].map((e) => jwkOf(publicKey, `e-${e}`, { e, alg: 'RS256' }));
    answer = publish(...keys);
    const set = keySet({ algorithms: ['RS256'] });
    const found = await Promise.all(keys.map(({ kid }) => set.findKey(kid, 'RS256')));
    expect(found.map((key) => key?.kid)).to.deep.equal([undefined, undefined, 'e-AQAB']);
  });

  it('is asked for at https alone, and at http on this machine', () => {
    const make = (address: string) => () => keySet({ url: address });
    const bad = [
      'http://login.example/jwks',
      'http://127.0.0.1.evil.test/',
      'http://localhost.evil.test/',
      'ftp://x/',
    ];
    const worse = [
      'file:///etc/passwd',
      'data:,{}',
      'x',
      '',
      'https://user:word@login.example/',
      'http://2130706433.x/',
    ];
    for (const address of [...bad, ...worse])
      expect(make(address), address).to.throw(ConfigurationError, /https/);
    for (const address of ['https://login.example/jwks', 'http://localhost:1/', 'http://[::1]:1/'])
      make(address)();
    expect(() => keySet({ timeout: 0 })).to.throw(ConfigurationError);
  });
});

function pemOf(key: KeyObject) {
  return new Secret(key.export({ type: 'pkcs8', format: 'pem' }).toString());
}
