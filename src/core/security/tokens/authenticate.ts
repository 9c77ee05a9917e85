import { runAs, type Actor } from '../../foundation/actor-context.ts';
import { ConfigurationError } from '../../foundation/errors/configuration-error.ts';
import type { Issue } from '../../foundation/issue.ts';
import {
  readAuthorization,
  readServerCredentials,
  type Credentials,
  type ServerRequest,
} from './authorization-header.ts';
import { refuseFor, refuseMalformed, refuseUnknown, type Refusal } from './refusal.ts';
import type { VerifiedToken } from './token-claims.ts';
import { scopeForm } from './token-config.ts';
import type { TokenDemand } from './token-demand.ts';

/** Who verifies tokens: a TokenService or a TokenVerifier. */
export interface TokenChecker<Scope extends string = never, Tier extends string = never> {
  /** Rejects for every token that is not good. */
  verify(token: string, demand?: TokenDemand<Scope, Tier>): Promise<VerifiedToken<Scope, Tier>>;
}

/** Who is let in. */
export interface AuthenticateOptions<Scope extends string = never, Tier extends string = never> {
  /** Who verifies. */
  readonly tokens: TokenChecker<Scope, Tier>;
  /** Whether a request without a token is refused. True by default. A token that is shown must be good in any case. */
  readonly required?: boolean;
  /** The scopes, all of which are needed. A request without a token has none. */
  readonly scopes?: readonly NoInfer<Scope>[];
  /** The tier that is needed, or one above. */
  readonly tier?: NoInfer<Tier>;
  /** The protection space that refusals name: 1 to 128 letters, digits, spaces and `._-`. `api` by default. */
  readonly realm?: string;
  /** The id of a request, for its actor. None by default. */
  readonly requestId?: (request: ServerRequest | Request) => string | undefined;
  /** Hears why a request was refused, or could not be answered. Nothing that it does changes the answer. */
  readonly onError?: (error: unknown) => unknown;
}

/** An answer as Node's server, Express and Connect hand it on. */
export interface ServerResponse {
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

/** A request that was let in. */
export interface Authenticated {
  /** Who sends it; undefined where nobody needs to say so, and nobody did. */
  readonly actor: Actor | undefined;
}

/** What comes next, as frameworks hand it over. It is called with what it has thrown, whatever that is. */
export type Next = (error?: Error) => void;

/** What lets requests in. */
export interface Authentication {
  /**
   * As the middleware of Express 5 and Connect, and in the hooks of Fastify. What `next` calls runs on behalf of the
   * actor; what it throws goes to `next(error)`. It returns at once and without a promise: Fastify would take one for
   * a second `next`.
   */
  (request: ServerRequest, response: ServerResponse, next: Next): void;
  /**
   * For Hono and fetch servers: who sends a request, or what it is answered. The caller hands the actor to `runAs`;
   * `wrap` does so by itself.
   */
  (request: Request): Promise<Authenticated | Response>;
  /** Puts it around a handler, which then runs on behalf of the actor. */
  wrap<Rest extends readonly unknown[]>(
    handler: (request: Request, ...rest: Rest) => Response | Promise<Response>,
  ): (request: Request, ...rest: Rest) => Promise<Response>;
}

const realmForm = /^[\w .-]{1,128}$/;

/**
 * Makes a middleware that lets requests in by their bearer token: one `Authorization` header, the scheme exactly
 * `Bearer`. Tokens in a URL or a form are not looked at. Who is not known is answered 401, who lacks a scope or the
 * tier 403, and where the token cannot be checked 503; the handler does not run then, whatever was thrown. The actor
 * enters the async context (`currentActor`). Listeners of a request's own events, such as `data`, run outside of it, and
 * so does the `pull` of an answer's `ReadableStream`: read the body by promises, or bind them with `AsyncResource.bind`.
 *
 * @param options who is let in
 * @returns the middleware, which is also the form for fetch servers
 * @throws ConfigurationError where the realm or a scope has not its form, `required` is no boolean, or nobody verifies
 * @example
 * app.use('/threads', authenticate({ tokens, scopes: ['read'] }));
 * fastify.addHook('onRequest', (request, reply, done) => guard(request.raw, reply.raw, done));
 * Bun.serve({ fetch: authenticate({ tokens }).wrap(handle) });
 */
export function authenticate<Scope extends string = never, Tier extends string = never>(
  options: AuthenticateOptions<Scope, Tier>,
): Authentication {
  requireSound(options);
  // A copy: whoever changes theirs for a second guard must not open the first one.
  const { realm = 'api', scopes = [], ...others } = options;
  const settings = { ...others, scopes: [...scopes] };

  // Nobody looks at its promise, and a rejection that nobody handles ends the process.
  const admitServer = async (request: ServerRequest, response: ServerResponse, next: Next): Promise<void> => {
    try {
      const outcome = await admit(settings, realm, request, () => readServerCredentials(request));
      if ('status' in outcome) send(outcome, response);
      else runAs(outcome.actor, () => proceed(next));
    } catch (error) {
      tell(settings.onError, error);
    }
  };
  const admitFetch = async (request: Request): Promise<Authenticated | Response> => {
    const read = () => readAuthorization(request.headers.get('authorization'));
    const outcome = await admit(settings, realm, request, read);
    if (!('status' in outcome)) return outcome;
    return new Response(outcome.body, { status: outcome.status, headers: outcome.headers });
  };
  const form = (
    request: ServerRequest | Request,
    response?: ServerResponse,
    next?: Next,
  ): Promise<Authenticated | Response> | undefined => {
    if (response === undefined || next === undefined) return admitFetch(request as Request);
    void admitServer(request as ServerRequest, response, next);
    return undefined;
  };
  const wrap: Authentication['wrap'] =
    (handler) =>
    async (request, ...rest) => {
      const outcome = await admitFetch(request);
      return outcome instanceof Response ? outcome : runAs(outcome.actor, () => handler(request, ...rest));
    };
  return Object.assign(form as Omit<Authentication, 'wrap'> & typeof form, { wrap }) as Authentication;
}

/** Scopes and the realm become a part of a header, which cannot be sent where they do not fit. */
function requireSound({
  tokens,
  required = true,
  scopes = [],
  realm = 'api',
}: AuthenticateOptions<string, string>): void {
  const issues: Issue[] = [];
  if (typeof tokens?.verify !== 'function') {
    issues.push({ path: ['tokens'], message: 'must be a TokenService or a TokenVerifier' });
  }
  if (typeof required !== 'boolean') issues.push({ path: ['required'], message: 'must be true or false' });
  if (!Array.isArray(scopes) || !scopes.every((scope) => scopeForm.test(scope))) {
    const message = 'must be words of visible ASCII without quotes and backslashes';
    issues.push({ path: ['scopes'], message });
  }
  if (!realmForm.test(realm)) {
    issues.push({ path: ['realm'], message: 'must be 1 to 128 letters, digits, spaces and ._-' });
  }
  if (issues.length > 0) throw new ConfigurationError(issues);
}

/** Never rejects: whatever is thrown, the request is refused. */
async function admit<Scope extends string, Tier extends string>(
  options: AuthenticateOptions<Scope, Tier>,
  realm: string,
  request: ServerRequest | Request,
  read: () => Credentials,
): Promise<Authenticated | Refusal> {
  const { tokens, required = true, scopes = [], tier, requestId } = options;
  const terms = { realm, scopes };
  try {
    const credentials = read();
    if (credentials.kind === 'malformed') return refuseMalformed(terms);
    if (credentials.kind === 'none') {
      const isOpen = !required && scopes.length === 0 && tier === undefined;
      return isOpen ? { actor: undefined } : refuseUnknown(terms);
    }
    const demand = { scopes, ...(tier !== undefined && { tier }) };
    const { actor } = await tokens.verify(credentials.token, demand);
    if (typeof actor?.id !== 'string' || actor.id === '') throw new TypeError('The verifier named no actor.');
    const id = requestId?.(request);
    return { actor: id === undefined ? actor : { ...actor, requestId: id } };
  } catch (error) {
    tell(options.onError, error);
    return refuseFor(error, terms);
  }
}

function proceed(next: Next): void {
  try {
    next();
  } catch (error) {
    next(error as Error);
  }
}

function send({ status, headers, body }: Refusal, response: ServerResponse): void {
  if (response.headersSent === true || response.writableEnded === true) return;
  response.statusCode = status;
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  response.end(body);
}

function tell(onError: AuthenticateOptions['onError'], error: unknown): void {
  try {
    const heard = onError?.(error);
    // It may be asynchronous, and a rejection that nobody handles ends the process.
    if (heard instanceof Promise) heard.catch(() => {});
  } catch {
    // The request is refused all the same.
  }
}
