import { serve } from '@hono/node-server';
import { expect } from 'chai';
import express from 'express';
import fastify from 'fastify';
import { Hono } from 'hono';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { DatabaseProviderFactory, ValidationError, type DatabaseProvider } from '../../../src/core/index.ts';
import { prometheusContentType, prometheusEndpoint } from '../../../src/core/metrics/index.ts';
import type { HttpEndpoint } from '../../../src/core/foundation/http-endpoint.ts';
import { readExposition } from './exposition.ts';

interface Site {
  readonly port: number;
  close(): Promise<unknown>;
}

async function listen(server: ReturnType<typeof createServer>): Promise<Site> {
  if (!server.listening) await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const servers: Readonly<Record<string, (endpoint: HttpEndpoint) => Promise<Site>>> = {
  'http of Node': (endpoint) =>
    listen(createServer((request, response) => endpoint(request, response)).listen(0, '127.0.0.1')),
  Express: (endpoint) => listen(express().use(endpoint).listen(0, '127.0.0.1')),
  Fastify: async (endpoint) => {
    const app = fastify();
    app.all('/*', (request, reply) => {
      reply.hijack();
      endpoint(request.raw, reply.raw);
    });
    await app.listen({ port: 0, host: '127.0.0.1' });
    return listen(app.server);
  },
  Hono: (endpoint) => {
    const app = new Hono().all('*', (c) => endpoint(c.req.raw));
    return listen(
      serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }) as ReturnType<typeof createServer>,
    );
  },
};

describe('the endpoint for Prometheus', () => {
  let provider: DatabaseProvider<unknown>;
  before(() => {
    provider = DatabaseProviderFactory.createProvider<unknown>('sqlite::memory:');
  });
  after(() => provider.close());

  for (const [name, open] of Object.entries(servers)) {
    it(`is answered by ${name}`, async () => {
      const site = await open(prometheusEndpoint({ databases: { chat: { provider } } }));
      const ask = (path: string, method = 'GET') => fetch(`http://127.0.0.1:${site.port}${path}`, { method });
      try {
        const answer = await ask('/metrics?name=x');
        expect(answer.status).to.equal(200);
        expect(answer.headers.get('content-type')).to.equal(prometheusContentType);
        expect(answer.headers.get('cache-control')).to.equal('no-store');
        const text = await answer.text();
        expect(readExposition(text).map((family) => family.name)).to.include('liminal_pool_waiting');
        const head = await ask('/metrics', 'HEAD');
        expect([head.status, await head.text()]).to.deep.equal([200, '']);
        expect((await ask('/metrics', 'POST')).status).to.equal(405);
        expect((await ask('/other')).status).to.equal(404);
      } finally {
        await site.close();
      }
    });
  }

  it('says at once what is wrong with its options', () => {
    expect(() => prometheusEndpoint({ databases: { chat: { provider } }, path: 'metrics' })).to.throw(
      ValidationError,
      'path',
    );
  });
});
