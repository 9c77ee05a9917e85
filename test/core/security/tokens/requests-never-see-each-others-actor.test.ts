import { expect } from 'chai';
import { once } from 'node:events';
import {
  Agent,
  createServer,
  get,
  request as send,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { setImmediate as turn, setTimeout as wait } from 'node:timers/promises';
import { currentActor, runAs, type Actor } from '../../../../src/core/index.ts';
import { authenticate } from '../../../../src/core/security/index.ts';
import { soakCount } from '../../../support/engines.ts';
import { FakeClock } from '../../../support/fake-clock.ts';
import { integerBetween, pickSeed, seededRandom } from '../../../support/seeded-random.ts';
import { makeTokens } from './tokens-fixture.ts';
import { frameworks, type Application } from './web-frameworks.ts';

type Handler = (
  request: IncomingMessage,
  response: ServerResponse,
  next: (error?: unknown) => void,
) => unknown;

/** A chain as Connect and Express run one: each handler is called by the `next` of the one before. */
function chain(handlers: readonly Handler[]): (request: IncomingMessage, response: ServerResponse) => void {
  return (request, response) => {
    const step = (index: number): void => {
      handlers[index]?.(request, response, () => step(index + 1));
    };
    step(0);
  };
}

describe('requests never see the actor of each other', function () {
  this.timeout(300_000);
  const count = soakCount(10_000);
  const seed = pickSeed();
  const tokens = makeTokens(new FakeClock());
  const random = seededRandom(seed);

  /** Waits in one of the ways in which code waits, and looks again and again whose behalf it runs on. */
  const wander = async (): Promise<(string | undefined)[]> => {
    const seen = [currentActor()?.id];
    for (let step = 0; step < 4; step += 1) {
      const way = integerBetween(random, 0, 4);
      if (way === 0) await turn();
      if (way === 1) await wait(integerBetween(random, 0, 4));
      if (way === 2) await Promise.resolve();
      if (way === 3) await new Promise<void>((resolve) => process.nextTick(resolve));
      seen.push(currentActor()?.id);
    }
    return seen;
  };
  const subjectOf = (index: number) => (index % 10 === 0 ? undefined : `subject-${index}`);
  const headersFor = async (index: number): Promise<Record<string, string>> => {
    const subject = subjectOf(index);
    if (subject === undefined) return {};
    return { authorization: `Bearer ${(await tokens.issue({ subject })).token.reveal()}` };
  };
  const expectAlone = (seen: readonly (readonly (string | undefined | null)[])[]) => {
    const bleeding = seen.flatMap((all, index) =>
      all.every((id) => (id ?? undefined) === subjectOf(index)) && all.length > 0
        ? []
        : [`${index}: ${String(all)}`],
    );
    expect(bleeding).to.deep.equal([]);
    expect(seen.length).to.equal(count);
  };

  it(`over ${count} requests at once to a server of Node's, on connections that are kept (seed ${seed})`, async () => {
    const guard = authenticate({ tokens, required: false });
    const seenBefore: (string | undefined)[] = [];
    const server = createServer(
      chain([
        (_request, _response, next) => {
          seenBefore.push(currentActor()?.id);
          next();
        },
        guard,
        (_request, _response, next) => setTimeout(next, integerBetween(random, 0, 3)),
        async (_request, response) => response.end(JSON.stringify(await wander())),
      ]),
    );
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const agent = new Agent({ keepAlive: true, maxSockets: 50 });
    const ask = async (index: number): Promise<(string | null)[]> => {
      const headers = await headersFor(index);
      return new Promise((resolve, reject) => {
        get({ port, host: '127.0.0.1', agent, headers }, (answer) => {
          let body = '';
          answer.on('data', (chunk) => (body += String(chunk)));
          answer.on('end', () => resolve(JSON.parse(body) as (string | null)[]));
        }).on('error', reject);
      });
    };
    try {
      expectAlone(await Promise.all(Array.from({ length: count }, (_, index) => ask(index))));
      expect(new Set(seenBefore)).to.deep.equal(new Set([undefined]));
    } finally {
      agent.destroy();
      server.close();
    }
  });

  it(`over ${count} requests at once to Express, Fastify and Hono in one process (seed ${seed})`, async () => {
    const guard = authenticate({ tokens, required: false });
    const application: Application = {
      answer: async (_path, body) => ({ seen: await wander(), size: String(body).length }),
      async *parts() {},
    };
    const sites = await Promise.all(Object.values(frameworks).map((open) => open(guard, application)));
    const agent = new Agent({ keepAlive: true, maxSockets: 300 });
    const ask = async (index: number): Promise<(string | null)[]> => {
      const headers = { ...(await headersFor(index)), 'content-type': 'application/json' };
      const { port } = sites[index % sites.length]!;
      const size = integerBetween(random, 0, index % 10 === 1 ? 200_000 : 200);
      const asked = send({ port, host: '127.0.0.1', agent, method: 'POST', headers });
      const isAnswered = once(asked, 'response') as Promise<[IncomingMessage]>;
      asked.write('["');
      if (integerBetween(random, 0, 2) === 0) await turn();
      asked.end(`${'x'.repeat(size)}"]`);
      const [answer] = await isAnswered;
      const body = (await json(answer)) as { readonly seen: (string | null)[]; readonly size: number };
      expect(body.size).to.equal(size);
      return body.seen;
    };
    try {
      expectAlone(await Promise.all(Array.from({ length: count }, (_, index) => ask(index))));
    } finally {
      agent.destroy();
      await Promise.all(sites.map((site) => site.close()));
    }
  });

  it(`over ${count} requests at once in the fetch form (seed ${seed})`, async () => {
    const guard = authenticate({ tokens, required: false });
    const handle = guard.wrap(async () => Response.json(await wander()));
    const requests = await Promise.all(
      Array.from(
        { length: count },
        async (_, index) => new Request('http://x/', { headers: await headersFor(index) }),
      ),
    );
    const answers = await Promise.all(requests.map((request) => handle(request)));
    expectAlone(await Promise.all(answers.map((answer) => answer.json() as Promise<(string | null)[]>)));
    expect(currentActor()).to.equal(undefined);
  });

  it('and an actor cannot be changed on its way', () => {
    const scopes = ['read'];
    const actor: Actor = { type: 'user', id: 'ann', scopes };
    runAs(actor, () => {
      scopes.push('write');
      (actor as { id: string }).id = 'eve';
      expect(currentActor()).to.deep.equal({ type: 'user', id: 'ann', scopes: ['read'] });
      expect(Object.isFrozen(currentActor())).to.equal(true);
      runAs({ type: 'system', id: 'job' }, () => expect(currentActor()?.id).to.equal('job'));
      runAs(undefined, () => expect(currentActor()).to.equal(undefined));
      expect(currentActor()?.id).to.equal('ann');
    });
  });
});
