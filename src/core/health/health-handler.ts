import { createHttpEndpoint, type EndpointAnswer, type HttpEndpoint } from '../foundation/http-endpoint.ts';
import type { Health, LiveReport } from './create-health.ts';
import type { ReadyReport } from './readiness.ts';

/** What is told to whoever asks. */
export interface HealthHandlerOptions {
  /**
   * Whether the details of the checks are told, such as hosts, paths and the messages of errors. False by default: who
   * may ask is often everybody.
   */
  readonly details?: boolean;
}

/**
 * Makes the endpoint of a health: a path that ends in `/live` is answered by `live`, one that ends in `/ready` by
 * `ready`. 200 where it is healthy or degraded, 503 where it is unhealthy; JSON, never cached, by GET and HEAD. Other
 * paths go on to `next`, or are answered 404. It never throws.
 *
 * @param health what `createHealth` returned
 * @param options whether details are told
 * @returns the endpoint, for Node's `http`, Express, Connect and Fastify, and for Hono and fetch servers
 * @example
 * const answer = healthHandler(health);
 * app.use('/health', answer); // Express 5
 * fastify.addHook('onRequest', (request, reply, done) => answer(request.raw, reply.raw, done));
 * hono.get('/health/*', (c) => answer(c.req.raw));
 */
export function healthHandler(health: Health, { details = false }: HealthHandlerOptions = {}): HttpEndpoint {
  const routes: Readonly<Record<string, () => Promise<EndpointAnswer>>> = {
    live: async () => answerWith(health.live()),
    async ready() {
      const report = await health.ready();
      return answerWith(details ? report : withoutDetails(report));
    },
  };
  return createHttpEndpoint((path) => {
    const [, name = ''] = /\/(live|ready)$/.exec(path) ?? [];
    return routes[name];
  });
}

function withoutDetails({ checks, ...report }: ReadyReport): ReadyReport {
  return { ...report, checks: checks.map(({ detail: _, ...shown }) => shown) };
}

function answerWith(report: LiveReport | ReadyReport): EndpointAnswer {
  return {
    status: report.status === 'unhealthy' ? 503 : 200,
    contentType: 'application/json; charset=utf-8',
    body: `${JSON.stringify(report)}\n`,
  };
}
