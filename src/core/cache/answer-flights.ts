/** A load that is under way. */
export interface Flight<Answer> {
  /** What the slots of its question counted before it began. */
  readonly stamp: number;
  readonly answer: Promise<Answer>;
}

/**
 * Lets callers who ask the same at the same time share one load. A caller joins only one that began when all was as it is
 * now, so that nobody is answered from before a change that they know of.
 */
export class AnswerFlights<Answer> {
  readonly #flights = new Map<string, Flight<Answer>>();

  /** @returns undefined where the caller has to load by itself */
  find(key: string, stamp: number): Flight<Answer> | undefined {
    const flight = this.#flights.get(key);
    return flight?.stamp === stamp ? flight : undefined;
  }

  // A reaction of its own to the answer would hide from stacks who waits for it.
  async #run(key: string, load: () => Promise<Answer>, own: () => Flight<Answer>): Promise<Answer> {
    try {
      return await load();
    } finally {
      if (this.#flights.get(key) === own()) this.#flights.delete(key);
    }
  }

  /** Begins one, in the place of one that began earlier. It is left when it ends. */
  begin(key: string, stamp: number, load: () => Promise<Answer>): Promise<Answer> {
    const flight: Flight<Answer> = { stamp, answer: this.#run(key, load, () => flight) };
    this.#flights.set(key, flight);
    return flight.answer;
  }
}
