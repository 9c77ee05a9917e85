/** The saga of the crash tests: five steps that each have an effect; the last one may fail behind its effect. */
import { defineSaga, uncheckedInput } from '../../../../src/core/index.ts';
import { effect, type SagaTestDatabase } from './saga-harness.ts';

export interface FiveInput {
  readonly fails: boolean;
}

const names = ['one', 'two', 'three', 'four', 'five'] as const;

/** @param point is called before and after each effect */
export function sagaOfFive(provider: SagaTestDatabase, point: (name: string) => unknown = () => undefined) {
  const step = <Name extends string>(name: Name) => ({
    name,
    async run({ idempotencyKey, input }: { readonly idempotencyKey: string; readonly input: FiveInput }) {
      await point(`before ${name}`);
      await effect(provider, idempotencyKey, name);
      await point(`after ${name}`);
      if (name === 'five' && input.fails) throw new Error('five fails behind its effect');
      return name;
    },
    async compensate({ idempotencyKey }: { readonly idempotencyKey: string }) {
      await point(`before undoing ${name}`);
      await effect(provider, idempotencyKey, `undo ${name}`);
      await point(`after undoing ${name}`);
    },
  });
  return defineSaga({
    name: 'five',
    input: uncheckedInput<FiveInput>(),
    steps: [step('one'), step('two'), step('three'), step('four'), step('five')],
  });
}

/** The keys of the effects that are there once such a saga has ended, by the rule and not by the journal. */
export function expectedEffects(fails: boolean): string[] {
  const undone = fails ? names.map((name) => `${name}:compensate`) : [];
  return [...names, ...undone].toSorted();
}
