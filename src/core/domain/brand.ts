declare const brandName: unique symbol;

/**
 * A primitive that the type system keeps apart from others of its kind. At run time it is the plain value.
 *
 * @example
 * type UserId = Brand<string, 'UserId'>;
 * type ThreadId = Brand<string, 'ThreadId'>;
 * declare function find(id: UserId): void;
 * // find(threadId) does not compile
 */
export type Brand<Value, Name extends string> = Value & { readonly [brandName]: Name };
