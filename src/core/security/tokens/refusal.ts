import {
  ExpiredTokenError,
  ForbiddenError,
  InvalidTokenError,
} from '../../foundation/errors/security-errors.ts';

/** What a request is answered that is not let in. */
export interface Refusal {
  readonly status: 401 | 403 | 503;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** What a refusal says: never why a token is no good. */
export interface RefusalTerms {
  /** The protection space, as `WWW-Authenticate` names it. */
  readonly realm: string;
  /** The scopes that are asked for. */
  readonly scopes: readonly string[];
}

/** What a request is answered that shows no token. RFC 6750 wants no error then. */
export function refuseUnknown({ realm }: RefusalTerms): Refusal {
  return refusal(401, 'unauthorized', [`realm="${realm}"`]);
}

/** What a request is answered whose header cannot be read. */
export function refuseMalformed({ realm }: RefusalTerms): Refusal {
  return challenge(
    realm,
    'invalid_request',
    'The request must have one Authorization header: Bearer and a token',
  );
}

/** What a request is answered whose token led to an error. What is no outcome of a check is nobody's fault but ours. */
export function refuseFor(error: unknown, { realm, scopes }: RefusalTerms): Refusal {
  if (error instanceof ExpiredTokenError)
    return challenge(realm, 'invalid_token', 'The access token expired');
  if (error instanceof InvalidTokenError) {
    return challenge(realm, 'invalid_token', 'The access token is not accepted');
  }
  if (error instanceof ForbiddenError) {
    const wanted = scopes.length > 0 ? [`scope="${scopes.join(' ')}"`] : [];
    const parts = [`realm="${realm}"`, 'error="insufficient_scope"', ...wanted];
    return refusal(403, 'insufficient_scope', parts);
  }
  return refusal(503, 'temporarily_unavailable', undefined);
}

function challenge(realm: string, error: string, description: string): Refusal {
  return refusal(401, error, [`realm="${realm}"`, `error="${error}"`, `error_description="${description}"`]);
}

function refusal(status: Refusal['status'], error: string, parts: readonly string[] | undefined): Refusal {
  return {
    status,
    headers: {
      'content-type': 'application/json',
      'cache-control': 'no-store',
      ...(parts !== undefined && { 'www-authenticate': `Bearer ${parts.join(', ')}` }),
    },
    body: JSON.stringify({ error }),
  };
}
