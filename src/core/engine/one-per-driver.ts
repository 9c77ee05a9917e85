/**
 * What the driver of a Kysely works with, and closes with it. One dialect may serve several Kyselys, one after the
 * other; so each driver has one of its own.
 */
export class OnePerDriver<Resource> {
  readonly #make: () => Resource;
  #latest: Resource;
  #isTaken = false;

  /** @param make is called at once, so that it refuses what it does not like, and then for each driver but the first */
  constructor(make: () => Resource) {
    this.#make = make;
    this.#latest = make();
  }

  /** That of the last driver; where there is none yet, that of the first one to come. */
  get latest(): Resource {
    return this.#latest;
  }

  /** Takes one for a new driver. */
  take(): Resource {
    if (this.#isTaken) this.#latest = this.#make();
    this.#isTaken = true;
    return this.#latest;
  }
}
