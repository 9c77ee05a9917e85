import type * as NodeCrypto from 'node:crypto';
import { createRequire } from 'node:module';

let loaded: typeof NodeCrypto | undefined;

/**
 * `node:crypto`, loaded at the first call. At the top of a module it would be a good part of what the start of
 * an application costs, and many never page and never ask for an id.
 */
export function loadCrypto(): typeof NodeCrypto {
  // From whatever file: a module of Node's own lies nowhere. import.meta.url is gone where all is bundled as CommonJS.
  loaded ??= createRequire(process.execPath)('node:crypto') as typeof NodeCrypto;
  return loaded;
}
