/** A request as Node's server, Express and Connect hand it on. Node keeps one of several headers; the raw ones are all. */
export interface ServerRequest {
  /** By their names in lower case. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** Names and values in turn, as they came. */
  readonly rawHeaders?: readonly string[];
}

/** What a request shows of who sends it. */
export type Credentials =
  | { readonly kind: 'token'; readonly token: string }
  /** No `Authorization`, or one of another scheme. */
  | { readonly kind: 'none' }
  /** Several headers, or one that is not exactly `Bearer`, a space and a token. */
  | { readonly kind: 'malformed' };

/** A header of more characters than this holds no token that is looked at. */
const longestHeader = 8_300;
const bearer = /^Bearer ([A-Za-z0-9._~+/=-]+)$/;

/** Reads the credentials of a server's request. */
export function readServerCredentials({ headers, rawHeaders = [] }: ServerRequest): Credentials {
  const given = headers['authorization'];
  const raw = rawHeaders.filter((name, index) => index % 2 === 0 && name.toLowerCase() === 'authorization');
  if (raw.length > 1 || (typeof given === 'object' && given.length > 1)) return { kind: 'malformed' };
  return readAuthorization(typeof given === 'object' ? given[0] : given);
}

/** Reads the value of one header. Several of them are joined by commas in a `Request`, which no token holds. */
export function readAuthorization(header: string | null | undefined): Credentials {
  if (header === undefined || header === null) return { kind: 'none' };
  if (header.length > longestHeader) return { kind: 'malformed' };
  const [, token] = bearer.exec(header) ?? [];
  if (token !== undefined) return { kind: 'token', token };
  return /^bearer\b/i.test(header) || header.includes(',') || header === ''
    ? { kind: 'malformed' }
    : { kind: 'none' };
}
