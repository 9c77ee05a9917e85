import { ConfigurationError } from '../../foundation/errors/configuration-error.ts';
import { KeyInUseError } from '../../foundation/errors/security-errors.ts';
import type { KeyRing } from '../key-ring.ts';
import { keyStatus } from './key-status.ts';
import type { KeyUseOptions, RotationProvider } from './rotation-options.ts';

/**
 * Takes a key off a ring, where nothing needs it any more: no row is sealed or indexed with it. It changes no row
 * and no setting; whoever keeps the keys removes this one then. It cannot know of processes that still seal with
 * the key: give all of them the ring with the new active key first, then rotate, then retire.
 *
 * @param provider whose rows are counted; `DatabaseProvider` fits
 * @param options the ring, every table that is encrypted with it, and the id of the key
 * @returns the ring without the key
 * @throws KeyInUseError with the columns that still hold something of it; nothing was changed
 * @throws ConfigurationError where the key is the active one
 * @throws UnknownKeyError where the ring has no such key
 * @throws ValidationError where no table is named
 * @example
 * const next = await retireKey(provider, { ring, tables: [usersEncryption], keyId: '2026-07' });
 */
export async function retireKey<DB>(
  provider: Pick<RotationProvider<DB>, 'db'>,
  options: KeyUseOptions & { readonly keyId: string },
): Promise<KeyRing> {
  const { ring, keyId } = options;
  ring.find(keyId);
  if (keyId === ring.activeId) {
    throw new ConfigurationError(
      `The key ${keyId} is the active one and seals every new value. Put another one first, rotate, and retire it then.`,
    );
  }
  const { columns } = await keyStatus(provider, options);
  const uses = columns.flatMap(({ table, column, keys }) =>
    Object.hasOwn(keys, keyId) ? [{ table, column, rows: keys[keyId] ?? 0 }] : [],
  );
  if (uses.length > 0) throw new KeyInUseError(keyId, uses);
  return ring.without(keyId);
}
