import { ConfigurationError } from '../../core/index.ts';
import type { LegacyImportOptions } from './legacy-import-options.ts';
import type { LegacySource } from './legacy-source.ts';
import { readLegacyUser } from './legacy-user.ts';

/**
 * Finds out before anything is imported whether the keys are there, and the right ones: of what a wrong key left out
 * no later run could make up.
 *
 * @throws ConfigurationError that says which key is missing, or that the legacy key opens nothing
 */
export async function checkLegacySecrets(
  sources: readonly LegacySource[],
  {
    legacyKey,
    withoutKeys = false,
    encryption,
  }: Pick<LegacyImportOptions, 'legacyKey' | 'withoutKeys' | 'encryption'>,
): Promise<void> {
  let [secrets, keys, unopened] = [0, 0, 0];
  for (const source of sources) {
    for await (const row of source.users()) {
      const { apiKeys, identities, notes } = readLegacyUser(row, 1, { legacyKey });
      keys += apiKeys.length;
      unopened += notes.filter(
        ({ reason }) => reason === 'key-does-not-open' || reason === 'no-legacy-key',
      ).length;
      secrets += apiKeys.length + identities.filter(({ refreshToken }) => refreshToken !== null).length;
    }
  }
  if (keys === 0 && unopened > 0 && !withoutKeys) {
    const fault =
      legacyKey === undefined
        ? `There are ${unopened} API keys, and no legacy key to open them (--legacy-key-file).`
        : `The legacy key opens none of ${unopened} API keys, so it is another one.`;
    throw new ConfigurationError(
      `${fault} To leave them out, say so (withoutKeys, --without-keys). Nothing was imported by this run.`,
    );
  }
  if (secrets === 0 || encryption !== undefined) return;
  throw new ConfigurationError(
    `There are ${secrets} secrets to seal, and no key for them. Make one with \`liminal-data keys generate\` and put it into LIMINAL_ENCRYPTION_KEY. Nothing was imported by this run.`,
  );
}
