import type { StatementEvent } from '../foundation/statement-event.ts';

/** Tells of a whole batch. @param members in their order, at least one */
export type BatchListener = (members: readonly StatementEvent[]) => void;

/**
 * Puts the members of a batch together again, each of which is heard by itself: they are told of in one go, with their
 * time in common.
 */
export class BatchGathering {
  #members: StatementEvent[] | undefined;

  /**
   * Takes a member.
   *
   * @param begin is called with the first one of a batch, within the turn of its answer; what it returns is called
   *   behind the last one
   */
  gather(event: StatementEvent, begin: () => BatchListener): void {
    if (this.#members !== undefined && this.#members[0]?.duration === event.duration) {
      this.#members.push(event);
      return;
    }
    const members = [event];
    this.#members = members;
    const tell = begin();
    queueMicrotask(() => {
      if (this.#members === members) this.#members = undefined;
      tell(members);
    });
  }
}
