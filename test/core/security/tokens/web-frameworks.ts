/** The same small application in each framework, with a guard in front of everything. */
import { serve, type ServerType } from '@hono/node-server';
import express from 'express';
import fastify from 'fastify';
import { Hono } from 'hono';
import { stream } from 'hono/streaming';
import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { runAs } from '../../../../src/core/index.ts';
import type { Authentication } from '../../../../src/core/security/index.ts';

/** What the application does with a request behind the guard. */
export interface Application {
  /** Answers with JSON, at once or later; may throw. `/stream` is answered by `parts`. */
  answer(path: string, body: unknown): object | Promise<object>;
  /** The parts of an answer that is sent piece by piece. */
  parts(): AsyncGenerator<string>;
}

/** An application that listens. */
export interface Site {
  readonly port: number;
  close(): Promise<void>;
}

const largest = 50_000_000;

async function site(server: Server | ServerType): Promise<Site> {
  if (!server.listening) await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    close: async () => {
      const isClosed = once(server, 'close');
      server.close();
      if ('closeAllConnections' in server) server.closeAllConnections();
      await isClosed;
    },
  };
}

function openExpress(guard: Authentication, application: Application): Promise<Site> {
  const app = express();
  // Else it writes errors to the console.
  app.set('env', 'test');
  app.use(guard);
  app.use(express.json({ limit: largest }));
  app.get('/stream', (_request, response) => {
    Readable.from(application.parts()).pipe(response);
  });
  app.use((request, response) => {
    const answer = application.answer(request.path, request.body);
    if (answer instanceof Promise) return answer.then((value) => response.json(value));
    return response.json(answer);
  });
  return site(app.listen(0, '127.0.0.1'));
}

async function openFastify(guard: Authentication, application: Application): Promise<Site> {
  const app = fastify({ bodyLimit: largest });
  app.addHook('onRequest', (request, reply, done) => guard(request.raw, reply.raw, done));
  app.get('/stream', (_request, reply) => reply.send(Readable.from(application.parts())));
  app.all('/*', (request) => application.answer(request.url, request.body));
  await app.listen({ port: 0, host: '127.0.0.1' });
  return site(app.server);
}

function openHono(guard: Authentication, application: Application): Promise<Site> {
  const app = new Hono();
  app.use(async (c, next) => {
    const outcome = await guard(c.req.raw);
    return outcome instanceof Response ? outcome : runAs(outcome.actor, next);
  });
  app.get('/stream', (c) =>
    stream(c, async (sink) => {
      for await (const part of application.parts()) await sink.write(part);
    }),
  );
  app.all('*', async (c) => {
    const body: unknown = c.req.method === 'POST' ? await c.req.json() : undefined;
    return Response.json(await application.answer(c.req.path, body));
  });
  // Else it writes errors to the console.
  app.onError((_error, c) => c.text('Internal Server Error', 500));
  return site(serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }));
}

export const frameworks: Readonly<
  Record<string, (guard: Authentication, application: Application) => Promise<Site>>
> = { 'Express 5': openExpress, 'Fastify 5': openFastify, Hono: openHono };
