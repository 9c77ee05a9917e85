import { Secret } from '../foundation/secret.ts';

/**
 * Freezes an answer through and through, so that all who are given it see the same for ever.
 *
 * Objects and the lists in them are frozen; a list that is the answer itself is not, since it is copied for each caller. An
 * instance of a class stays what it is: one that its class has frozen is shared, and what it holds is frozen as well; so is a
 * `Secret`. With any other in it, such as a Date, a Map or bytes, nothing is frozen, since whoever changes it would
 * change it for all. Private fields nobody can see from outside: a class that freezes itself must not change them.
 *
 * @returns whether it may be shared
 */
export function freezeAnswer(answer: unknown): boolean {
  const open = new Set<object>();
  if (!gatherOpen(answer, open)) return false;
  // Everybody is given a list of their own, and a frozen one takes ten times as long to copy.
  if (Array.isArray(answer)) open.delete(answer);
  for (const each of open) Object.freeze(each);
  return true;
}

/** By a list of what is ahead: JSON may be nested more deeply than calls can be. */
function gatherOpen(answer: unknown, open: Set<object>): boolean {
  const ahead: unknown[] = [answer];
  while (ahead.length > 0) {
    const value = ahead.pop();
    if (typeof value === 'function') return false;
    if (typeof value !== 'object' || value === null || open.has(value) || value instanceof Secret) continue;
    if (!isShareable(value)) return false;
    open.add(value);
    for (const key of Reflect.ownKeys(value)) {
      const property = Object.getOwnPropertyDescriptor(value, key)!;
      // An accessor may answer differently each time.
      if (property.get !== undefined || property.set !== undefined) return false;
      ahead.push(property.value);
    }
  }
  return true;
}

/** Whether it may be shared where all that it holds may be. */
function isShareable(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Object.prototype || prototype === null || Array.isArray(value)) return true;
  // What a typed array holds stays changeable, and so does what lies behind it; neither can be told frozen.
  return Object.isFrozen(value) && !hasHiddenState(value);
}

/** Whether freezing changes nothing about what an object holds. */
function hasHiddenState(value: object): boolean {
  return (
    value instanceof Date ||
    value instanceof Map ||
    value instanceof Set ||
    value instanceof WeakMap ||
    value instanceof WeakSet ||
    value instanceof ArrayBuffer ||
    value instanceof SharedArrayBuffer ||
    ArrayBuffer.isView(value)
  );
}

/** A copy of what the database gave, for whoever may change bytes in it. */
export function copyRaw(raw: unknown): unknown {
  const ahead: Copying[] = [];
  const copy = beginCopy(raw, ahead);
  for (let next = ahead.pop(); next !== undefined; next = ahead.pop()) {
    const { from, to } = next;
    for (const name of Object.keys(from)) to[name] = beginCopy(from[name], ahead);
  }
  return copy;
}

type Fields = Record<string, unknown>;
interface Copying {
  readonly from: Readonly<Fields>;
  readonly to: Fields;
}

/** Its fields are copied by whoever has the list. */
function beginCopy(raw: unknown, ahead: Copying[]): unknown {
  // Its own bytes, and not all of the buffer that it is a part of.
  if (raw instanceof Uint8Array) return Uint8Array.prototype.slice.call(raw);
  if (typeof raw !== 'object' || raw === null) return raw;
  const to = (Array.isArray(raw) ? [] : {}) as Fields;
  ahead.push({ from: raw as Fields, to });
  return to;
}
