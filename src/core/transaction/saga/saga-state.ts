import type { JournaledSaga, SagaWrite } from './saga-journal.ts';
import { readStepEntries } from './saga-outcome.ts';
import type { SagaPlan } from './saga-plan.ts';
import type { SagaDirection, SagasTable, SagaStepsTable } from './saga-tables.ts';

/** A saga as its owner knows it: what the journal had at the take-over, and every write since. */
export class SagaState implements JournaledSaga {
  #saga: Readonly<SagasTable>;
  readonly #steps = new Map<string, Readonly<SagaStepsTable>>();

  constructor({ saga, steps }: JournaledSaga) {
    this.#saga = saga;
    for (const step of steps) this.#steps.set(keyOf(step.direction, step.position), step);
  }

  get saga(): Readonly<SagasTable> {
    return this.#saga;
  }

  get steps(): readonly Readonly<SagaStepsTable>[] {
    return Array.from(this.#steps.values());
  }

  /** A step of the journal; undefined where it was never begun. */
  find(direction: SagaDirection, position: number): Readonly<SagaStepsTable> | undefined {
    return this.#steps.get(keyOf(direction, position));
  }

  /** Takes in what was written. */
  apply({ saga, step }: SagaWrite): void {
    if (saga !== undefined) this.#saga = { ...this.#saga, ...saga } as SagasTable;
    if (step !== undefined) this.#steps.set(keyOf(step.direction, step.position), step);
  }

  /** The step that is to come next, by the names that the saga was started with. */
  get nextStep(): string {
    const names = readStepEntries(this.#saga).map(({ name }) => name);
    const isForward = this.#saga.direction === 'forward';
    const positions = isForward ? names.keys() : Array.from(names.keys()).reverse();
    for (const position of positions) {
      const isDue = isForward || this.find('forward', position) !== undefined;
      if (isDue && this.find(this.#saga.direction, position)?.state !== 'done') return names[position] ?? '';
    }
    return names.at(-1) ?? '';
  }

  /** Whether a saga of the code is the one that was started. */
  fits({ name, version, steps }: SagaPlan): boolean {
    const names = readStepEntries(this.#saga).map((entry) => entry.name);
    return (
      name === this.#saga.name &&
      version === this.#saga.version &&
      names.length === steps.length &&
      names.every((each, index) => each === steps[index]?.name)
    );
  }
}

function keyOf(direction: SagaDirection, position: number): string {
  return `${direction}:${position}`;
}
