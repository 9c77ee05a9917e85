import type { Make } from './unit.ts';

/**
 * Makes objects whose members are made when they are first asked for, each once an object.
 *
 * @param makers by the name of the member
 * @returns a function that gives the object for a target, which each maker is handed
 */
export function lazyMembers<Target, Members>(makers: {
  readonly [Name in keyof Members]: Make<Target, Members[Name]>;
}): Make<Target, Members> {
  class LazyMembers {
    readonly #target: Target;

    constructor(target: Target) {
      this.#target = target;
    }

    static targetOf(members: object): Target {
      return (members as LazyMembers).#target;
    }
  }
  defineLazily(LazyMembers.prototype, makers, (self) => LazyMembers.targetOf(self));
  return (target) => new LazyMembers(target) as Members;
}

/**
 * Gives a prototype members that are made when they are first asked for.
 *
 * @param targetOf finds what the makers are handed
 */
export function defineLazily<Target, Members>(
  prototype: object,
  makers: { readonly [Name in keyof Members]: Make<Target, Members[Name]> },
  targetOf: (self: object) => Target,
): void {
  for (const [name, make] of Object.entries<Make<Target, unknown>>(makers)) {
    Object.defineProperty(prototype, name, {
      configurable: true,
      enumerable: true,
      get(this: object) {
        const value = make(targetOf(this));
        Object.defineProperty(this, name, { value, enumerable: true });
        return value;
      },
    });
  }
}
