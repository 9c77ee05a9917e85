/**
 * What is worked out once for each kind of thing and each definition of it, however often the thing is made: the
 * repositories of a unit of work are made anew for each unit.
 */
export class SharedDefinitions {
  readonly #byKind = new WeakMap<object, Map<string, unknown>>();

  /**
   * Gives what belongs to a definition, and makes it where it is not there.
   *
   * @param kind the class that asks: what two of them make of one definition is not the same
   * @param definition two that are equal mean the same
   */
  get<Value>(kind: object, definition: string, make: () => Value): Value {
    let known = this.#byKind.get(kind);
    if (known === undefined) {
      known = new Map();
      this.#byKind.set(kind, known);
    }
    if (!known.has(definition)) known.set(definition, make());
    return known.get(definition) as Value;
  }
}
