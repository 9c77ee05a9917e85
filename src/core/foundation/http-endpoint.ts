/** A request as Node's server, Express, Connect and Fastify (`request.raw`) hand it on. */
export interface EndpointRequest {
  /** The method in capitals. */
  readonly method?: string | undefined;
  /** The path, with the query. */
  readonly url?: string | undefined;
}

/** An answer as Node's server, Express, Connect and Fastify (`reply.raw`) hand it on. */
export interface EndpointResponse {
  /** The status of the answer. */
  statusCode: number;
  /** Whether something else has begun to answer: then nothing more is sent. */
  readonly headersSent?: boolean;
  /** Whether something else has answered. */
  readonly writableEnded?: boolean;
  /** Sets a header. */
  setHeader(name: string, value: string): unknown;
  /** Ends the answer. */
  end(body: string): unknown;
}

/** An endpoint of a server, in the forms of Node's frameworks and of fetch servers. */
export interface HttpEndpoint {
  /**
   * For Node's `http`, Express, Connect and Fastify. What is not asked of this endpoint goes to `next`, where there is
   * one. It returns at once and without a promise.
   */
  (request: EndpointRequest, response: EndpointResponse, next?: () => void): void;
  /** For Hono and fetch servers. */
  (request: Request): Promise<Response>;
}

/** What an endpoint answers. */
export interface EndpointAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}

const plainText = 'text/plain; charset=utf-8';
const notFound: EndpointAnswer = { status: 404, contentType: plainText, body: 'Not Found\n' };
const notAllowed: EndpointAnswer = { status: 405, contentType: plainText, body: 'Method Not Allowed\n' };
const failed: EndpointAnswer = { status: 500, contentType: plainText, body: 'Internal Server Error\n' };

/** Finds who answers a path; undefined where nobody here does. */
export type EndpointRoute = (path: string) => (() => Promise<EndpointAnswer>) | undefined;

/**
 * Makes an endpoint that is read: by GET and HEAD, never from a cache.
 *
 * @param route who answers which path, without its query. What they throw is answered 500, without a word of it
 */
export function createHttpEndpoint(route: EndpointRoute): HttpEndpoint {
  const form = (
    request: EndpointRequest | Request,
    response?: EndpointResponse,
    next?: () => void,
  ): Promise<Response> | undefined => {
    const { method = 'GET', url = '/' } = request;
    const answer = route(pathOf(url));
    if (response === undefined) return respond(method, answer);
    if (answer === undefined && next !== undefined) next();
    else
      void askFor(method, answer)
        .then((found) => send(found, response))
        .catch(giveUp);
    return undefined;
  };
  return form as HttpEndpoint;
}

async function respond(method: string, answer: ReturnType<EndpointRoute>): Promise<Response> {
  const found = await askFor(method, answer);
  return new Response(method === 'HEAD' ? null : found.body, {
    status: found.status,
    headers: headersOf(found),
  });
}

/** Never rejects. */
async function askFor(method: string, answer: ReturnType<EndpointRoute>): Promise<EndpointAnswer> {
  if (answer === undefined) return notFound;
  if (method !== 'GET' && method !== 'HEAD') return notAllowed;
  try {
    return await answer();
  } catch {
    return failed;
  }
}

function send(answer: EndpointAnswer, response: EndpointResponse): void {
  if (response.headersSent === true || response.writableEnded === true) return;
  response.statusCode = answer.status;
  for (const [name, value] of Object.entries(headersOf(answer))) response.setHeader(name, value);
  // Node leaves the body out where HEAD has asked.
  response.end(answer.body);
}

/** A response that takes no answer any more, as of a connection that is gone, is nobody's failure. */
function giveUp(): void {}

function headersOf({ status, contentType, body }: EndpointAnswer): Record<string, string> {
  return {
    'content-type': contentType,
    'content-length': String(new TextEncoder().encode(body).length),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    ...(status === notAllowed.status && { allow: 'GET, HEAD' }),
  };
}

/** A `Request` has the whole URL, a server's request what stands behind the host. */
function pathOf(url: string): string {
  const behindHost = url.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i, '');
  const [path = ''] = behindHost.split(/[?#]/, 1);
  return path;
}
