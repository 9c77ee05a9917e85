import { expect } from 'chai';
import { EventEmitter, once } from 'node:events';
import { readFile } from 'node:fs';
import { Agent, request as send, type ClientRequest, type IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { setImmediate as turn, setTimeout as wait } from 'node:timers/promises';
import { KeySetUnavailableError, currentActor } from '../../../../src/core/index.ts';
import { authenticate, type AuthenticateOptions } from '../../../../src/core/security/index.ts';
import { FakeClock } from '../../../support/fake-clock.ts';
import { forgeHmac, goodClaims, goodHeader, makeTokens } from './tokens-fixture.ts';
import { frameworks, type Application, type Site } from './web-frameworks.ts';

interface Answer {
  readonly status: number | undefined;
  readonly challenge: string | undefined;
  readonly body: unknown;
}

interface Ask {
  readonly path?: string;
  /** Names and values in turn. */
  readonly headers?: readonly string[];
  /** The parts of a body, each of which is sent by itself. */
  readonly body?: readonly string[];
  readonly agent?: Agent;
}

type Options = Partial<AuthenticateOptions<'read' | 'write' | 'all', 'basic' | 'pro'>>;

const who = (): string | null => currentActor()?.id ?? null;

/** Waits in each way in which code waits, and tells on whose behalf it ran behind each. */
async function wander(): Promise<Record<string, string | null>> {
  const seen: Record<string, string | null> = { atOnce: who() };
  const look = (way: string, start: (done: () => void) => unknown) =>
    new Promise<void>((resolve, reject) => {
      const done = () => {
        seen[way] = who();
        resolve();
      };
      Promise.resolve(start(done)).catch(reject);
    });
  await look('timer', (done) => setTimeout(done, 1));
  await look('immediate', (done) => setImmediate(done));
  await look('tick', (done) => process.nextTick(done));
  await look('microtask', (done) => queueMicrotask(done));
  await look('file', (done) => readFile(import.meta.filename, done));
  await look('event', async (done) => {
    const emitter = new EventEmitter().once('it', done);
    await turn();
    emitter.emit('it');
  });
  await look('iterator', async (done) => {
    for await (const call of Readable.from([done])) (call as () => void)();
  });
  return { ...seen, afterAll: who() };
}

const ways = ['atOnce', 'timer', 'immediate', 'tick', 'microtask', 'file', 'event', 'iterator', 'afterAll'];
const seenBy = (actor: string | null) => Object.fromEntries(ways.map((way) => [way, actor]));

for (const [name, open] of Object.entries(frameworks)) {
  describe(`a request to ${name} keeps to the guard`, function () {
    this.timeout(20_000);
    const clock = new FakeClock();
    const tokens = makeTokens(clock);
    const bearer = (sub: string): string[] => {
      const claims = { ...goodClaims(clock), sub, scope: 'read', tier: 'basic' };
      return ['authorization', `Bearer ${forgeHmac(goodHeader, claims)}`];
    };
    const ann = bearer('ann');
    let site: Site;
    let entered: number;
    let heard: unknown[];

    const application: Application = {
      answer(path, body) {
        entered += 1;
        if (path === '/throws') throw new Error('the handler fails');
        if (path === '/rejects') return Promise.reject(new Error('the handler fails'));
        if (path === '/wanders') return wander();
        return { actor: currentActor() ?? null, length: JSON.stringify(body ?? null).length };
      },
      async *parts() {
        for (let part = 0; part < 50; part += 1) {
          if (part % 10 === 0) await wait(1);
          yield `${who()} `.padEnd(5_000);
        }
      },
    };

    const start = async (options: Options = {}) => {
      await site?.close();
      const onError = (error: unknown) => void heard.push(error);
      site = await open(authenticate({ tokens, onError, ...options }), application);
    };
    const sendTo = ({ path = '/', headers = [], body, agent }: Ask): ClientRequest => {
      const type = body === undefined ? [] : ['content-type', 'application/json'];
      const connection = ['host', 'x', ...(agent === undefined ? ['connection', 'close'] : [])];
      return send({
        port: site.port,
        host: '127.0.0.1',
        path,
        method: body === undefined ? 'GET' : 'POST',
        agent: agent ?? false,
        headers: [
          ...connection,
          ...type,
          ...headers,
          ...(body === undefined ? [] : ['transfer-encoding', 'chunked']),
        ],
      });
    };
    const readAnswer = async (asked: ClientRequest): Promise<Answer> => {
      const [answer] = (await once(asked, 'response')) as [IncomingMessage];
      answer.setEncoding('utf8');
      let text = '';
      for await (const part of answer) text += String(part);
      const type = answer.headers['content-type'] ?? '';
      return {
        status: answer.statusCode,
        challenge: answer.headers['www-authenticate'],
        body: type.includes('json') ? JSON.parse(text) : text,
      };
    };
    const ask = async (what: Ask): Promise<Answer> => {
      const asked = sendTo(what);
      const answer = readAnswer(asked);
      for (const part of what.body ?? []) {
        asked.write(part);
        await turn();
      }
      asked.end();
      return answer;
    };
    const refuses = async (what: Ask, status: number, challenge: RegExp | undefined) => {
      const answer = await ask(what);
      expect(answer.status).to.equal(status);
      if (challenge === undefined) expect(answer.challenge).to.equal(undefined);
      else expect(answer.challenge).to.match(challenge);
      expect(answer.body).to.have.keys('error');
      expect(entered).to.equal(0);
    };

    beforeEach(async () => {
      entered = 0;
      heard = [];
      await start();
    });
    after(() => site.close());

    it('which lets a good token in, once, and nobody else', async () => {
      expect(await ask({ headers: ann })).to.deep.include({
        status: 200,
        body: {
          actor: { type: 'user', id: 'ann', scopes: ['read'], tier: 'basic', tokenId: 'token-1' },
          length: 4,
        },
      });
      expect(entered).to.equal(1);
      entered = 0;
      await refuses({}, 401, /^Bearer realm="api"$/);
      await refuses({ body: ['{}'] }, 401, /^Bearer realm="api"$/);
      await refuses({ headers: [...ann, ...ann] }, 401, /error="invalid_request"/);
      await refuses({ headers: [...ann, 'Authorization', 'Basic YTpi'] }, 401, /error="invalid_request"/);
      await refuses({ headers: ['authorization', `${ann[1]}, x`] }, 401, /error="invalid_request"/);
      await refuses({ headers: ['authorization', `${ann[1]}x`] }, 401, /error="invalid_token"/);
    });

    it('and tells a missing scope or tier from a missing token', async () => {
      await start({ scopes: ['write'] });
      await refuses({ headers: ann }, 403, /error="insufficient_scope", scope="write"$/);
      await refuses({}, 401, /^Bearer realm="api"$/);
      await start({ tier: 'pro' });
      await refuses({ headers: ann }, 403, /error="insufficient_scope"$/);
      await start({ scopes: ['read'], tier: 'basic' });
      expect(await ask({ headers: ann })).to.include({ status: 200 });
    });

    it('and says 503 where the token cannot be checked', async () => {
      await start({ tokens: { verify: () => Promise.reject(new KeySetUnavailableError('https://x')) } });
      await refuses({ headers: ann }, 503, undefined);
    });

    it('where none is required, as nobody; a bad token is refused there too', async () => {
      await start({ required: false });
      expect(await ask({})).to.deep.include({ status: 200, body: { actor: null, length: 4 } });
      expect(await ask({ path: '/wanders' })).to.deep.include({ body: seenBy(null) });
      entered = 0;
      await refuses({ headers: ['authorization', 'Bearer x'] }, 401, /error="invalid_token"/);
    });

    it('and leaves the errors of handlers to the framework', async () => {
      for (const path of ['/throws', '/rejects']) {
        entered = 0;
        expect(await ask({ path, headers: ann })).to.include({ status: 500 });
        expect(entered, path).to.equal(1);
      }
      expect(heard).to.deep.equal([]);
      expect(await ask({ headers: ann })).to.include({ status: 200 });
    });

    it('on behalf of its actor, however the handler waits', async () => {
      expect((await ask({ path: '/wanders', headers: ann })).body).to.deep.equal(seenBy('ann'));
    });

    it('on behalf of its actor behind a large body that comes in pieces', async () => {
      const piece = 'x'.repeat(100_000);
      const body = ['["', ...Array.from({ length: 40 }, () => piece), '"]'];
      expect((await ask({ headers: ann, body })).body).to.include({ length: 4_000_004 });
      entered = 0;
      expect((await ask({ path: '/wanders', headers: ann, body })).body).to.deep.equal(seenBy('ann'));
      expect(entered).to.equal(1);
    });

    it('on behalf of its actor in the pieces of the answer', async () => {
      const { body } = await ask({ path: '/stream', headers: ann });
      expect(String(body).trim().split(/ +/)).to.deep.equal(Array.from({ length: 50 }, () => 'ann'));
    });

    it('on a connection that is kept, each on behalf of its own actor', async () => {
      await start({ required: false });
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
      try {
        const seen: unknown[] = [];
        const expected: unknown[] = [];
        for (const sub of ['ann', null, 'ben', 'ann', null, 'ben', 'ben', null]) {
          const headers = sub === null ? [] : bearer(sub);
          const body = expected.length % 2 === 0 ? ['{}'] : undefined;
          const { body: answer } = await ask({ path: '/wanders', headers, agent, ...(body && { body }) });
          seen.push(answer);
          expected.push(seenBy(sub));
        }
        expect(seen).to.deep.equal(expected);
      } finally {
        agent.destroy();
      }
    });

    it('and a client that goes away meanwhile harms nobody', async () => {
      for (const outcome of ['good', 'bad']) {
        const isAsked = Promise.withResolvers<void>();
        const release = Promise.withResolvers<void>();
        let held = true;
        const verify: typeof tokens.verify = async (token, demand) => {
          if (!held) return tokens.verify(token, demand);
          held = false;
          isAsked.resolve();
          await release.promise;
          return tokens.verify(outcome === 'good' ? token : 'x', demand);
        };
        await start({ tokens: { verify } });
        const leaving = sendTo({ headers: ann, body: ['['] });
        leaving.on('error', () => {});
        leaving.write('[');
        await isAsked.promise;
        const isGone = new Promise((resolve) => leaving.once('close', resolve));
        leaving.destroy();
        await isGone;
        release.resolve();
        expect(await ask({ headers: ann })).to.include({ status: 200 });
      }
      const half = sendTo({ headers: ann, body: [] });
      half.on('error', () => {});
      half.write('["');
      await turn();
      half.destroy();
      expect(await ask({ headers: ann, body: ['[1]'] })).to.deep.include({ status: 200 });
    });
  });
}
