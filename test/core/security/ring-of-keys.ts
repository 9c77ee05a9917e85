import { createHash } from 'node:crypto';
import { Secret } from '../../../src/core/foundation/secret.ts';
import { KeyRing } from '../../../src/core/security/key-ring.ts';

/** A key for tests that is the same in each run; nobody's list of known keys has it. */
export function sampleKey(id: string): { readonly id: string; readonly key: Secret } {
  const bytes = createHash('sha256').update(`a key of these tests: ${id}`).digest();
  return { id, key: new Secret(bytes.toString('base64')) };
}

/** A ring of such keys; the first one seals. */
export function ringOf(...ids: readonly string[]): KeyRing {
  return KeyRing.of(ids.map(sampleKey));
}
