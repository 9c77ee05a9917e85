import type { Brand } from './brand.ts';
import { systemClock, type Clock } from '../foundation/clock.ts';
import { loadCrypto } from '../foundation/node-crypto.ts';
import { defineValueObject, type ValueObject } from './value-object.ts';

const pattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/**
 * Defines a branded id type. Any UUID is accepted, in either case; the value is lower case, the one
 * form that both engines store and compare alike.
 *
 * @param name the brand, such as `UserId`
 * @returns a value object whose `parse` throws ValidationError for what is no UUID
 * @example
 * const UserId = defineId('UserId');
 * type UserId = ValueOf<typeof UserId>;
 */
export function defineId<const Name extends string>(name: Name): ValueObject<string, Name> {
  return defineValueObject({
    name,
    normalize: (input) => (typeof input === 'string' ? input.toLowerCase() : undefined),
    rules: [[(value) => pattern.test(value), 'must be a UUID']],
  });
}

const idLength = 16;
/** Random bytes are taken for so many ids at once, as `randomUUID` does: asking for them costs more than an id. */
const idsOfBlock = 128;

/** Makes UUIDs of version 7 from a clock. */
export type UuidSource = () => string;

/**
 * Makes a source of UUIDs of version 7: 48 bits of time, then random bits. Ids of one source only ever
 * grow, also within a millisecond and when the clock goes back, so that rows lie in the order in which
 * they were made.
 *
 * @param clock where the time comes from; the machine's by default
 * @returns a function that gives a new lower-case UUID each call
 * @see RFC 9562, section 5.7 and section 6.2, method 1 (dedicated counter)
 */
export function createUuidSource(clock: Clock = systemClock): UuidSource {
  let block: Buffer | undefined;
  let place = 0;
  let lastTime = -1;
  let counter = 0;
  return () => {
    if (block === undefined || place === block.length) {
      block = loadCrypto().randomBytes(idsOfBlock * idLength);
      place = 0;
    }
    const bytes = block.subarray(place, (place += idLength));
    const now = clock.now();
    if (now > lastTime) {
      lastTime = now;
      // Starts in the lower half of the 12 bits, so that there is room to count within a millisecond.
      counter = ((bytes[6]! & 0x07) << 8) | bytes[7]!;
    } else if (counter === 0xfff) {
      lastTime += 1;
      counter = ((bytes[6]! & 0x07) << 8) | bytes[7]!;
    } else {
      counter += 1;
    }
    bytes[6] = 0x70 | (counter >> 8);
    bytes[7] = counter & 0xff;
    bytes[8] = 0x80 | (bytes[8]! & 0x3f);
    const hex = bytes.toString('hex', 6);
    const time = lastTime.toString(16).padStart(12, '0');
    return `${time.slice(0, 8)}-${time.slice(8)}-${hex.slice(0, 4)}-${hex.slice(4, 8)}-${hex.slice(8)}`;
  };
}

const defaultSource = createUuidSource();

/**
 * Makes a new id of a branded type, from the machine's clock.
 *
 * @returns a lower-case UUID of version 7; ids made later in this process are greater
 * @example
 * const id = newId<UserId>();
 */
export function newId<Id extends Brand<string, string>>(): Id {
  return defaultSource() as Id;
}
