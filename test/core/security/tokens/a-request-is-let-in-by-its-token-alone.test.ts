// Security check: C15.
import { expect } from 'chai';
import {
  createServer,
  request as send,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  ConfigurationError,
  ForbiddenError,
  InvalidTokenError,
  KeySetUnavailableError,
  currentActor,
  runAs,
} from '../../../../src/core/index.ts';
import { authenticate, type Authentication } from '../../../../src/core/security/index.ts';
import { FakeClock } from '../../../support/fake-clock.ts';
import { forgeHmac, goodClaims, goodHeader, makeTokens } from './tokens-fixture.ts';

interface Answer {
  readonly status: number;
  readonly challenge: string | undefined;
  readonly body: string;
}

describe('a request is let in by its token alone', () => {
  const clock = new FakeClock();
  const tokens = makeTokens(clock);
  const claims = { ...goodClaims(clock), scope: 'read', tier: 'basic' };
  const good = forgeHmac(goodHeader, claims);
  const expired = forgeHmac(goodHeader, goodClaims(new FakeClock(clock.now() - 120_000)));

  let server: Server;
  let guard: Authentication;
  let entered: number;

  before(async () => {
    server = createServer((request: IncomingMessage, response: ServerResponse) => {
      guard(request, response, () => {
        entered += 1;
        response.end(JSON.stringify(currentActor() ?? null));
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });
  after(() => server.close());
  beforeEach(() => {
    entered = 0;
    guard = authenticate({ tokens });
  });

  /** Headers as they are on the wire: names and values in turn. */
  const overServer = (headers: readonly string[], path = '/'): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const { port } = server.address() as AddressInfo;
      const sent = send(
        { port, host: '127.0.0.1', path, agent: false, headers: ['host', 'x', ...headers] },
        (answer) => {
          let body = '';
          answer.on('data', (chunk) => (body += String(chunk)));
          answer.on('end', () =>
            resolve({ status: answer.statusCode ?? 0, challenge: answer.headers['www-authenticate'], body }),
          );
        },
      );
      sent.on('error', reject).end();
    });

  const overFetch = async (headers: readonly string[]): Promise<Answer> => {
    const request = new Request('http://x/');
    for (let at = 0; at < headers.length; at += 2)
      request.headers.append(headers[at] ?? '', headers[at + 1] ?? '');
    const handle = guard.wrap(() => {
      entered += 1;
      return Response.json(currentActor() ?? null);
    });
    const answer = await handle(request);
    const outcome = await guard(request);
    if (outcome instanceof Response) expect(outcome.status).to.equal(answer.status);
    else expect(answer.status).to.equal(200);
    return {
      status: answer.status,
      challenge: answer.headers.get('www-authenticate') ?? undefined,
      body: await answer.text(),
    };
  };

  const forms = { 'Node, Express and Connect': overServer, fetch: overFetch };
  for (const [form, ask] of Object.entries(forms)) {
    describe(form, () => {
      const refuses = async (headers: readonly string[], status: number, challenge: RegExp | undefined) => {
        const answer = await ask(headers);
        expect(answer.status).to.equal(status);
        if (challenge === undefined) expect(answer.challenge).to.equal(undefined);
        else expect(answer.challenge).to.match(challenge);
        expect(answer.body).not.to.match(/signature|key|algorithm|revoked/);
        expect(entered).to.equal(0);
        return answer;
      };

      it('lets a good token in, on behalf of its actor', async () => {
        const { status, body } = await ask(['Authorization', `Bearer ${good}`]);
        expect([status, JSON.parse(body)]).to.deep.equal([
          200,
          { type: 'user', id: 'ann', scopes: ['read'], tier: 'basic', tokenId: 'token-1' },
        ]);
        expect(currentActor()).to.equal(undefined);
      });

      it('answers 401 without an error where no token is shown', async () => {
        for (const headers of [[], ['authorization', 'Basic YTpi'], ['authorization', 'Token x']]) {
          await refuses(headers, 401, /^Bearer realm="api"$/);
        }
      });

      it('takes exactly one header of exactly one form', async () => {
        const odd = [
          ['authorization', `bearer ${good}`],
          ['authorization', `BEARER ${good}`],
          ['authorization', `Bearer  ${good}`],
          ['authorization', `Bearer\t${good}`],
          ['authorization', `Bearer ${good} x`],
          ['authorization', `Bearer ${good}, Bearer ${good}`],
          ['authorization', `Bearer ${good},`],
          ['authorization', 'Bearer'],
          ['authorization', 'Bearer '],
          ['authorization', ''],
          ['authorization', `Bearer ${good}`, 'authorization', `Bearer ${good}`],
          ['authorization', `Bearer ${good}`, 'Authorization', 'Basic YTpi'],
          ['authorization', 'Basic YTpi', 'Authorization', `Bearer ${good}`],
          ['authorization', `Bearer ${good}`, 'AUTHORIZATION', ''],
        ];
        for (const headers of odd) await refuses(headers, 401, /error="invalid_request"/);
      });

      it('looks for no token anywhere else', async () => {
        for (const name of ['x-authorization', 'proxy-authorization', 'cookie', 'x-access-token']) {
          await refuses([name, `Bearer ${good}`], 401, /^Bearer realm="api"$/);
        }
        if (form !== 'fetch') expect((await overServer([], `/?access_token=${good}`)).status).to.equal(401);
      });

      it('answers 401 for a token that is not accepted, without a reason', async () => {
        const bad = [
          `${good.slice(0, -2)}AA`,
          'x',
          'a.b.c',
          forgeHmac({ ...goodHeader, alg: 'none' }, claims),
        ];
        for (const token of bad) {
          await refuses(
            ['authorization', `Bearer ${token}`],
            401,
            /error="invalid_token", error_description="The access token is not/,
          );
        }
        await refuses(
          ['authorization', `Bearer ${expired}`],
          401,
          /error="invalid_token", error_description="The access token expired/,
        );
      });

      it('answers 403 where the scope or the tier is missing', async () => {
        guard = authenticate({ tokens, scopes: ['read', 'write'] });
        await refuses(
          ['authorization', `Bearer ${good}`],
          403,
          /error="insufficient_scope", scope="read write"/,
        );
        await refuses([], 401, /^Bearer realm="api"$/);
        guard = authenticate({ tokens, tier: 'pro' });
        await refuses(['authorization', `Bearer ${good}`], 403, /error="insufficient_scope"$/);
        guard = authenticate({ tokens, scopes: ['read'], tier: 'basic' });
        expect((await ask(['authorization', `Bearer ${good}`])).status).to.equal(200);
      });

      it('lets nobody in where the verifier throws, whatever it throws', async () => {
        const thrown: readonly unknown[] = [
          new Error('boom'),
          new TypeError('boom'),
          new KeySetUnavailableError('https://x'),
          undefined,
          null,
          'text',
          { status: 200, actor: { type: 'user', id: 'eve' } },
        ];
        for (const value of thrown) {
          for (const verify of [
            async () => {
              throw value;
            },
            () => {
              throw value;
            },
          ]) {
            guard = authenticate({ tokens: { verify } });
            await refuses(['authorization', `Bearer ${good}`], 503, undefined);
          }
        }
        for (const result of [
          undefined,
          null,
          {},
          { actor: undefined },
          { actor: {} },
          { actor: { id: '' } },
        ]) {
          guard = authenticate({ tokens: { verify: () => Promise.resolve(result) } as never });
          await refuses(['authorization', `Bearer ${good}`], 503, undefined);
        }
      });

      it('tells onError why, which changes nothing, whatever it does', async () => {
        const heard: unknown[] = [];
        guard = authenticate({ tokens, scopes: ['write'], onError: (error) => void heard.push(error) });
        await refuses(['authorization', `Bearer ${good}`], 403, /insufficient/);
        expect(new Set(heard.map((error) => error instanceof ForbiddenError))).to.deep.equal(new Set([true]));
        for (const onError of [
          () => {
            throw new Error('boom');
          },
          () => Promise.reject(new Error('boom')),
        ]) {
          guard = authenticate({ tokens, onError });
          await refuses(['authorization', 'Bearer x'], 401, /invalid_token/);
        }
      });

      it('lets a request without a token in where none is required, as nobody', async () => {
        guard = authenticate({ tokens, required: false });
        const answer = await runAs({ type: 'system', id: 'outer' }, () => ask([]));
        expect([answer.status, answer.body]).to.deep.equal([200, 'null']);
        entered = 0;
        await refuses(['authorization', `Bearer ${expired}`], 401, /invalid_token/);
        await refuses(['authorization', `bearer ${good}`], 401, /invalid_request/);
        guard = authenticate({ tokens, required: false, scopes: ['read'] });
        await refuses([], 401, /^Bearer realm="api"$/);
      });

      it('gives the actor the id of its request', async () => {
        guard = authenticate({ tokens, requestId: () => 'r-1' });
        const { body } = await ask(['authorization', `Bearer ${good}`]);
        expect(JSON.parse(body)).to.include({ id: 'ann', requestId: 'r-1' });
      });
    });
  }

  it('sends nothing where something else has answered meanwhile, and throws nothing', async () => {
    const request = { rawHeaders: ['authorization', 'Bearer x'], headers: { authorization: 'Bearer x' } };
    const touched: string[] = [];
    const response = {
      statusCode: 200,
      setHeader: () => touched.push('header'),
      end: () => touched.push('end'),
    };
    for (const state of ['headersSent', 'writableEnded']) {
      await new Promise<void>((resolve) => {
        const answered = Object.defineProperty({ ...response }, state, {
          get: () => {
            resolve();
            return true;
          },
        });
        guard(request, answered, () => touched.push('next'));
      });
      expect(touched).to.deep.equal([]);
    }
    const fault = new Error('ERR_HTTP_HEADERS_SENT');
    const broken = {
      ...response,
      setHeader() {
        throw fault;
      },
    };
    const heard: unknown[] = [];
    await new Promise<void>((resolve) => {
      const onError = (error: unknown) => {
        heard.push(error);
        if (error === fault) resolve();
      };
      authenticate({ tokens, onError })(request, broken, () => touched.push('next'));
    });
    expect(touched).to.deep.equal([]);
    expect(heard.map((error) => error instanceof InvalidTokenError || error === fault)).to.deep.equal([
      true,
      true,
    ]);
  });

  it('gives next what it throws, once', async () => {
    const bearer = `Bearer ${good}`;
    const request = { rawHeaders: ['authorization', bearer], headers: { authorization: bearer } };
    const response = { statusCode: 200, setHeader() {}, end() {} };
    const fault = new Error('the handler fails');
    const calls: unknown[] = [];
    // What it throws the second time goes to onError, behind which nothing more is called.
    const heard = await new Promise((resolve) => {
      authenticate({ tokens, onError: resolve })(request, response, (error) => {
        calls.push(error);
        throw fault;
      });
    });
    expect(heard).to.equal(fault);
    expect(calls).to.deep.equal([undefined, fault]);
  });

  it('gives a server no promise, which Fastify would take for a second next', async () => {
    const request = { headers: { authorization: `Bearer ${good}` } };
    const response = { statusCode: 200, setHeader() {}, end() {} };
    let returned: unknown = 'nothing yet';
    await new Promise<void>((resolve) => {
      returned = guard(request, response, () => resolve());
    });
    expect(returned).to.equal(undefined);
  });

  it('refuses a configuration that lets everybody in, or breaks its headers', () => {
    expect(() => authenticate({ tokens: undefined } as never)).to.throw(ConfigurationError);
    expect(() => authenticate({ tokens, realm: 'a"b' })).to.throw(ConfigurationError);
    expect(() => authenticate({ tokens, realm: 'a\r\nb' })).to.throw(ConfigurationError);
    for (const required of [null, 0, '', 'false']) {
      expect(() => authenticate({ tokens, required } as never)).to.throw(ConfigurationError, /required/);
    }
    for (const scopes of [null, 'read', ['a b'], ['a\nb'], ['a"b'], ['я'], ['']]) {
      expect(() => authenticate({ tokens, scopes } as never)).to.throw(ConfigurationError, /scopes/);
    }
  });

  it('keeps to what it was made with, whatever becomes of the options', async () => {
    const scopes: ('read' | 'write')[] = ['write'];
    const options = { tokens, required: true, scopes };
    guard = authenticate(options);
    options.required = false;
    options.tokens = { verify: () => Promise.resolve({ actor: { id: 'eve' } }) } as never;
    scopes.pop();
    expect((await overServer([])).status).to.equal(401);
    expect((await overServer(['authorization', `Bearer ${good}`])).status).to.equal(403);
    expect(entered).to.equal(0);
  });

  it('has no switch for development: nothing changes with NODE_ENV or a bypass variable', async () => {
    const before = { ...process.env };
    try {
      for (const mode of ['development', 'test', 'production']) {
        Object.assign(process.env, { NODE_ENV: mode, BYPASS_AUTH: 'true', AUTH_DISABLED: '1' });
        guard = authenticate({ tokens });
        expect((await overServer([])).status).to.equal(401);
        expect(
          (await overServer(['authorization', `Bearer ${forgeHmac({ alg: 'none' }, claims)}`])).status,
        ).to.equal(401);
      }
    } finally {
      for (const name of ['NODE_ENV', 'BYPASS_AUTH', 'AUTH_DISABLED']) delete process.env[name];
      Object.assign(process.env, before);
    }
  });
});
