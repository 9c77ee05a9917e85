import { defineValueObject, type ValueOf } from '../../core/domain/index.ts';

/**
 * The name of a service outside: `google`, `github`, `openai`. A slug rather than a closed set, since a
 * provider is added by configuration, and a database should not need a migration for it.
 *
 * @example
 * ProviderName.parse('google');
 */
export const ProviderName = defineValueObject({
  name: 'ProviderName',
  normalize: (input) => (typeof input === 'string' ? input : undefined),
  rules: [[(text) => /^[a-z0-9-]{1,64}$/.test(text), 'must be 1 to 64 of a-z, 0-9 and -']],
});
export type ProviderName = ValueOf<typeof ProviderName>;
