import { checkFields, defineValueObject, type ValueOf } from '../../core/domain/index.ts';
import { UserId } from '../ids.ts';
import { parseJsonValue, type JsonValue } from '../json-value.ts';
import { EpochMillis, laterOf } from '../whole-numbers.ts';

/**
 * What a preference is called, such as `theme` or `editor.fontSize`. Case counts.
 *
 * @example
 * PreferenceName.parse('editor.fontSize');
 */
export const PreferenceName = defineValueObject({
  name: 'PreferenceName',
  normalize: (input) => (typeof input === 'string' ? input : undefined),
  rules: [[(text) => /^[\w.-]{1,64}$/.test(text), 'must be 1 to 64 of letters, digits, ".", "_" and "-"']],
});
export type PreferenceName = ValueOf<typeof PreferenceName>;

/** One setting of a user; user and name are its identity. Which settings there are is for the application. */
export interface Preference {
  /** Whose setting it is. It goes when the user goes. */
  readonly userId: UserId;
  /** Unique with the user. */
  readonly name: PreferenceName;
  /** Any JSON value of up to 64 KiB, frozen. */
  readonly value: JsonValue;
  /** When it was made or changed last, in ms since the Unix epoch. */
  readonly updatedAt: number;
  /** How often it was changed, from 1. */
  readonly version: number;
}

/**
 * Makes a new preference; stores nothing.
 *
 * @param fields whose it is, its name and its value
 * @param context `now` in ms since the Unix epoch
 * @returns the preference, at version 1
 * @throws ValidationError with the faults of all fields
 * @example
 * const theme = createPreference(
 *   { userId: user.id, name: 'theme', value: { dark: true } },
 *   { now: clock.now() },
 * );
 */
export function createPreference(
  fields: { readonly userId: UserId; readonly name: string; readonly value: unknown },
  context: { readonly now: number },
): Preference {
  return checkFields({
    userId: () => UserId.parse(fields.userId),
    name: () => PreferenceName.parse(fields.name),
    value: () => parseJsonValue(fields.value),
    updatedAt: () => EpochMillis.parse(context.now),
    version: () => 1,
  });
}

/**
 * Gives a preference another value.
 *
 * @param preference stays as it is
 * @param value any JSON value of up to 64 KiB
 * @param context `now` in ms since the Unix epoch
 * @returns the changed copy; its version is the one that was read
 * @throws ValidationError with the faults of all fields
 * @example
 * await preferences.update(changePreference(theme, { dark: false }, { now: clock.now() }));
 */
export function changePreference(
  preference: Preference,
  value: unknown,
  context: { readonly now: number },
): Preference {
  const changes = checkFields({
    value: () => parseJsonValue(value),
    updatedAt: () => laterOf(preference.updatedAt, context.now),
  });
  return Object.freeze({ ...preference, ...changes });
}
