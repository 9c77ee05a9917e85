import type { StandardSchema } from '../../domain/standard-schema.ts';
import { planSaga, type PlannedStep, type UntypedDefinition } from './saga-plan.ts';
import type { SagaStep } from './saga-step.ts';

/** A saga as `defineSaga` gives it: its steps, checked and frozen. `SagaRunner` runs it. */
export interface Saga<Input, Results> {
  /** Names the kind of saga in the journal. */
  readonly name: string;
  /** The version of the steps, from 1. */
  readonly version: number;
  /** What checks the input, before it is stored and whenever it is read back. */
  readonly input: StandardSchema | undefined;
  /** The steps, in their order. */
  readonly steps: readonly PlannedStep[];
  /** For types alone; never there. */
  readonly '~types'?: (input: Input) => Results;
}

/** Any saga, whatever its input and results. */
export type AnySaga = Saga<never, unknown>;

type Result<Name extends string, Value> = { readonly [Key in Name]: Value };
type Untyped = Readonly<Record<string, unknown>>;

/** What a saga is defined by. The first eight steps know the results of those before them by type. */
export interface SagaDefinition<
  Given,
  Input,
  N1 extends string,
  R1,
  N2 extends string,
  R2,
  N3 extends string,
  R3,
  N4 extends string,
  R4,
  N5 extends string,
  R5,
  N6 extends string,
  R6,
  N7 extends string,
  R7,
  N8 extends string,
  R8,
> {
  /** Names the kind of saga in the journal: 1 to 100 characters as in the name of a step. */
  readonly name: string;
  /**
   * Which version of the steps this is: an integer from 1; 1 by default. Raise it where the same step names
   * come to mean something else, and keep the old definition in `sagas` until its last saga has ended.
   */
  readonly version?: number;
  /** Checks the input and types it. What it makes of the input is what the steps get. */
  readonly input?: StandardSchema<Input, Given>;
  /** The steps, in the order in which they run; at least one, at most 1,000. */
  readonly steps: readonly [
    SagaStep<Input, unknown, N1, R1>,
    SagaStep<Input, Result<N1, R1>, N2, R2>?,
    SagaStep<Input, Result<N1, R1> & Result<N2, R2>, N3, R3>?,
    SagaStep<Input, Result<N1, R1> & Result<N2, R2> & Result<N3, R3>, N4, R4>?,
    SagaStep<Input, Result<N1, R1> & Result<N2, R2> & Result<N3, R3> & Result<N4, R4>, N5, R5>?,
    SagaStep<
      Input,
      Result<N1, R1> & Result<N2, R2> & Result<N3, R3> & Result<N4, R4> & Result<N5, R5>,
      N6,
      R6
    >?,
    SagaStep<
      Input,
      Result<N1, R1> & Result<N2, R2> & Result<N3, R3> & Result<N4, R4> & Result<N5, R5> & Result<N6, R6>,
      N7,
      R7
    >?,
    SagaStep<
      Input,
      Result<N1, R1> &
        Result<N2, R2> &
        Result<N3, R3> &
        Result<N4, R4> &
        Result<N5, R5> &
        Result<N6, R6> &
        Result<N7, R7>,
      N8,
      R8
    >?,
    ...SagaStep<Input, Untyped, string, unknown>[],
  ];
}

/** What a saga gives: the results of its steps by their names. */
export type SagaResults<Definition> = Definition extends Saga<never, infer Results> ? Results : never;

/**
 * Defines a saga: steps that each have an effect somewhere, in their order, and how each one is undone. It
 * checks and freezes; it stores nothing and runs nothing.
 *
 * @param definition its name, its version, the check of its input, and its steps
 * @returns the saga, for `SagaRunner`
 * @throws ValidationError with every fault: names, numbers out of range, two steps of one name, no `run`
 * @example
 * const placeOrder = defineSaga({
 *   name: 'place-order',
 *   input: z.object({ orderId: z.string(), total: z.number() }),
 *   steps: [
 *     {
 *       name: 'reserve',
 *       run: ({ input, idempotencyKey }) => stock.reserve(input.orderId, idempotencyKey),
 *       compensate: ({ input, idempotencyKey }) => stock.release(input.orderId, idempotencyKey),
 *     },
 *     {
 *       name: 'charge',
 *       run: ({ results, idempotencyKey }) => bank.charge(results.reserve.price, idempotencyKey),
 *       retry: { attempts: 5 },
 *       timeout: 10_000,
 *     },
 *   ],
 * });
 */
export function defineSaga<
  Given,
  Input,
  const N1 extends string,
  R1,
  const N2 extends string = never,
  R2 = never,
  const N3 extends string = never,
  R3 = never,
  const N4 extends string = never,
  R4 = never,
  const N5 extends string = never,
  R5 = never,
  const N6 extends string = never,
  R6 = never,
  const N7 extends string = never,
  R7 = never,
  const N8 extends string = never,
  R8 = never,
>(
  definition: SagaDefinition<Given, Input, N1, R1, N2, R2, N3, R3, N4, R4, N5, R5, N6, R6, N7, R7, N8, R8>,
): Saga<
  Given,
  Result<N1, R1> &
    Result<N2, R2> &
    Result<N3, R3> &
    Result<N4, R4> &
    Result<N5, R5> &
    Result<N6, R6> &
    Result<N7, R7> &
    Result<N8, R8>
> {
  return planSaga(definition as unknown as UntypedDefinition);
}

/**
 * Types the input of a saga without checking it. A schema is better: the journal outlives the code that
 * wrote it, and what this lets through reaches the steps as it is.
 *
 * @returns a schema that takes every value for an `Input`
 * @example
 * const sendMail = defineSaga({ name: 'send-mail', input: uncheckedInput<Mail>(), steps });
 */
export function uncheckedInput<Input>(): StandardSchema<Input, Input> {
  return {
    '~standard': {
      version: 1,
      vendor: 'liminal-data',
      validate: (value) => ({ value: value as Input }),
    },
  };
}
