/**
 * Tells an object literal, or what JSON.parse makes, from everything else that is an object: arrays, dates,
 * maps, secrets and other instances are not plain.
 */
export function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype;
}

/**
 * Freezes plain objects and arrays all the way down. Instances are left alone: a buffer cannot be frozen, and
 * a Secret has nothing that could change.
 */
export function freezeDeep<Value>(value: Value): Value {
  if ((!isPlainObject(value) && !Array.isArray(value)) || Object.isFrozen(value)) return value;
  Object.freeze(value);
  for (const part of Object.values(value)) freezeDeep(part);
  return value;
}
