import { serve } from '@hono/node-server';
import { expect } from 'chai';
import express from 'express';
import fastify from 'fastify';
import { Hono } from 'hono';
import { once } from 'node:events';
import { createServer, request as send, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { DatabaseProviderFactory, type DatabaseProvider } from '../../../src/core/index.ts';
import {
  createHealth,
  healthHandler,
  type Health,
  type HealthHandlerOptions,
  type HttpEndpoint,
} from '../../../src/core/health/index.ts';

interface Answer {
  readonly status: number | undefined;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

/** The same endpoint at /health in each framework, beside a page of the application's own. */
const frameworks: Readonly<Record<string, (answer: HttpEndpoint) => Promise<Server>>> = {
  async 'Node http'(answer) {
    return listening(
      createServer((request, response) =>
        answer(request, response, () => {
          response.end('own');
        }),
      ).listen(0, '127.0.0.1'),
    );
  },
  async 'Express 5'(answer) {
    const app = express();
    app.use('/health', answer);
    app.use((_, response) => void response.send('own'));
    return listening(app.listen(0, '127.0.0.1'));
  },
  async 'Fastify 5'(answer) {
    const app = fastify();
    app.addHook('onRequest', (request, reply, done) => answer(request.raw, reply.raw, done));
    app.all('/*', () => 'own');
    await app.listen({ port: 0, host: '127.0.0.1' });
    return app.server;
  },
  async Hono(answer) {
    const app = new Hono();
    app.all('/health/*', (c) => answer(c.req.raw));
    app.all('*', (c) => c.text('own'));
    return listening(serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }) as Server);
  },
};

async function listening(server: Server): Promise<Server> {
  if (!server.listening) await once(server, 'listening');
  return server;
}

for (const [name, open] of Object.entries(frameworks)) {
  describe(`health is asked over ${name}`, function () {
    this.timeout(20_000);
    let provider: DatabaseProvider<unknown>;
    let server: Server | undefined;
    let isWell: boolean;

    beforeEach(() => {
      isWell = true;
      provider = DatabaseProviderFactory.createProvider<unknown>('sqlite::memory:');
    });
    afterEach(async () => {
      server?.close();
      server?.closeAllConnections();
      server = undefined;
      await provider.close();
    });

    const start = async (options?: HealthHandlerOptions, health: Health = make()): Promise<void> => {
      server = await open(healthHandler(health, options));
    };
    const make = (): Health =>
      createHealth(provider, {
        maxAge: 0,
        checks: [
          {
            name: 'own',
            run: () =>
              isWell
                ? { message: 'It is well.', detail: 'at /srv/app on db.internal' }
                : { status: 'unhealthy', message: 'It is not.', detail: 'select 1 failed on db.internal' },
          },
        ],
      });
    const ask = async (path: string, method = 'GET'): Promise<Answer> => {
      const { port } = server!.address() as AddressInfo;
      const asked = send({ port, host: '127.0.0.1', path, method, agent: false });
      asked.end();
      const [answer] = (await once(asked, 'response')) as [IncomingMessage];
      answer.setEncoding('utf8');
      let body = '';
      for await (const part of answer) body += String(part);
      return { status: answer.statusCode, headers: answer.headers, body };
    };

    it('with 200 where it can do its work, as JSON that nobody keeps', async () => {
      await start();
      const { status, headers, body } = await ask('/health/ready?probe=1');
      expect(status).to.equal(200);
      expect(headers['content-type']).to.equal('application/json; charset=utf-8');
      expect(headers['cache-control']).to.equal('no-store');
      const { checks, ...report } = JSON.parse(body) as { status: string; checks: object[] };
      expect(report.status).to.equal('healthy');
      expect(checks.at(-1)).to.include({ name: 'own', status: 'healthy', message: 'It is well.' });
    });

    it('with 503 where it cannot, while it lives, and without what only those may know who run it', async () => {
      isWell = false;
      await start();
      const ready = await ask('/health/ready');
      expect(ready.status).to.equal(503);
      expect(ready.body)
        .to.include('It is not.')
        .and.not.match(/internal|select|srv/);
      const live = await ask('/health/live');
      expect(live.status).to.equal(200);
      expect(JSON.parse(live.body)).to.include({ status: 'healthy' });
    });

    it('with the details where that is said', async () => {
      isWell = false;
      await start({ details: true });
      expect((await ask('/health/ready')).body).to.include('select 1 failed on db.internal');
    });

    it('with 503 once the database is closing', async () => {
      await start();
      expect((await ask('/health/ready')).status).to.equal(200);
      await provider.close();
      const { status, body } = await ask('/health/ready');
      expect(status).to.equal(503);
      expect(body).to.include('closing');
      expect((await ask('/health/live')).status).to.equal(200);
    });

    it('by HEAD without a body, and by nothing that would change something', async () => {
      isWell = false;
      await start();
      const head = await ask('/health/ready', 'HEAD');
      expect(head).to.include({ status: 503, body: '' });
      expect(head.headers['cache-control']).to.equal('no-store');
      const post = await ask('/health/live', 'POST');
      expect(post.status).to.equal(405);
      expect(post.headers.allow).to.equal('GET, HEAD');
    });

    it('and by no other path', async () => {
      await start();
      for (const path of ['/', '/x?y=/health/ready', '/already', '/health/ready/more']) {
        const { status, body } = await ask(path);
        if (name === 'Hono' && path.startsWith('/health/')) expect(status, path).to.equal(404);
        else expect({ status, body }, path).to.deep.equal({ status: 200, body: 'own' });
      }
    });

    it('and one that fails all the same is answered 500, without a word of it', async () => {
      const failing = { live: () => expect.fail('secret'), ready: () => Promise.reject(new Error('secret')) };
      await start({}, failing);
      for (const path of ['/health/live', '/health/ready']) {
        const { status, body } = await ask(path);
        expect(status).to.equal(500);
        expect(body).not.to.include('secret');
      }
    });
  });
}
