/** Signatures by a secret that issuer and verifier share. */
export type HmacAlgorithm = 'HS256' | 'HS384' | 'HS512';
/** Signatures by an RSA key, with the padding of PKCS #1. */
export type RsaAlgorithm = 'RS256' | 'RS384' | 'RS512';
/** Signatures by an RSA key, with the probabilistic padding. */
export type RsaPssAlgorithm = 'PS256' | 'PS384' | 'PS512';
/** Signatures by a key on one of the NIST curves. */
export type EllipticAlgorithm = 'ES256' | 'ES384';
/** Signatures by an Ed25519 key. */
export type EdwardsAlgorithm = 'EdDSA';
/** Signatures by a private key, which a public key verifies. */
export type AsymmetricAlgorithm = RsaAlgorithm | RsaPssAlgorithm | EllipticAlgorithm | EdwardsAlgorithm;
/** Every algorithm that a token may be signed by. There is no `none`. */
export type TokenAlgorithm = HmacAlgorithm | AsymmetricAlgorithm;

type OneOrMore<Algorithm> = readonly [Algorithm, ...Algorithm[]];

/** The algorithms that a verifier accepts: one or more, of one family. */
export type TokenAlgorithms =
  | OneOrMore<HmacAlgorithm>
  | OneOrMore<RsaAlgorithm>
  | OneOrMore<RsaPssAlgorithm>
  | OneOrMore<EllipticAlgorithm>
  | OneOrMore<EdwardsAlgorithm>;

/** What a key must be to serve an algorithm. */
export type AlgorithmTraits =
  | { readonly family: 'HS'; readonly secretBytes: number }
  | { readonly family: 'RS' | 'PS'; readonly keyType: 'rsa'; readonly jwkType: 'RSA' }
  | { readonly family: 'ES'; readonly keyType: 'ec'; readonly jwkType: 'EC'; readonly curve: string }
  | { readonly family: 'EdDSA'; readonly keyType: 'ed25519'; readonly jwkType: 'OKP' };

/** An RSA key below this many bits can be factored in foreseeable time. */
export const leastRsaBits = 2_048;

/** The exponent of every generator, and the least that FIPS 186-5 allows. By one of 1 everybody can sign. */
export const leastRsaExponent = 65_537n;

const rsa = (family: 'RS' | 'PS') => ({ family, keyType: 'rsa', jwkType: 'RSA' }) as const;
const elliptic = (curve: string) => ({ family: 'ES', keyType: 'ec', jwkType: 'EC', curve }) as const;

const traits: ReadonlyMap<string, AlgorithmTraits> = new Map<TokenAlgorithm, AlgorithmTraits>([
  ['HS256', { family: 'HS', secretBytes: 32 }],
  ['HS384', { family: 'HS', secretBytes: 48 }],
  ['HS512', { family: 'HS', secretBytes: 64 }],
  ['RS256', rsa('RS')],
  ['RS384', rsa('RS')],
  ['RS512', rsa('RS')],
  ['PS256', rsa('PS')],
  ['PS384', rsa('PS')],
  ['PS512', rsa('PS')],
  ['ES256', elliptic('prime256v1')],
  ['ES384', elliptic('secp384r1')],
  ['EdDSA', { family: 'EdDSA', keyType: 'ed25519', jwkType: 'OKP' }],
]);

/** @returns undefined where there is no such algorithm; `none` is none */
export function findTraits(algorithm: unknown): AlgorithmTraits | undefined {
  return typeof algorithm === 'string' ? traits.get(algorithm) : undefined;
}

/** The names of the algorithms, for messages. */
export const algorithmNames = [...traits.keys()].join(', ');
