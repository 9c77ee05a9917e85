/** What sagas must refuse when they are compiled. Each line below a directive must be an error. */
import { defineSaga, uncheckedInput, type SagaResults, type SagaRunner } from '../../src/core/index.ts';
import type { StandardSchema } from '../../src/core/domain/index.ts';

declare const runner: SagaRunner;
declare const schema: StandardSchema<{ readonly total: number }, { readonly total: string }>;

const order = defineSaga({
  name: 'order',
  input: schema,
  steps: [
    {
      name: 'reserve',
      run: ({ input }) => ({ place: input.total + 1 }),
      compensate({ result, input }) {
        const place: number | undefined = result?.place;
        // @ts-expect-error a step that may not have ended has no result to rely on
        result.place.toFixed();
        return (place ?? 0) + input.total;
      },
    },
    {
      name: 'charge',
      run: async ({ results }) => results.reserve.place.toFixed(),
      compensate({ results, result }) {
        // @ts-expect-error its own result is no result of an earlier step
        results.charge.length;
        return result?.length;
      },
    },
    {
      name: 'mail',
      run({ results, input }) {
        const receipt: string = results.charge;
        // @ts-expect-error a later step has given nothing yet
        results.archive.done;
        // @ts-expect-error the schema made a number of it
        input.total.length;
        return [receipt];
      },
    },
    { name: 'archive', run: ({ results }) => ({ done: results.mail.length > 0 }) },
  ],
});

export const results: Promise<{
  readonly reserve: { readonly place: number };
  readonly charge: string;
  readonly mail: string[];
  readonly archive: { readonly done: boolean };
}> = runner.run(order, { total: '30' });

// @ts-expect-error the input is what the schema takes, not what it makes
void runner.run(order, { total: 30 });
// @ts-expect-error no step has this name
void runner.run(order, { total: '30' }).then(({ refund }) => refund);

const step = <Name extends string>(name: Name) => ({ name, run: () => name });
export const long = defineSaga({
  name: 'long',
  input: uncheckedInput<number>(),
  steps: [
    step('s1'),
    step('s2'),
    step('s3'),
    step('s4'),
    step('s5'),
    step('s6'),
    step('s7'),
    step('s8'),
    {
      name: 's9',
      run({ results: earlier, input }) {
        const doubled: number = input * 2;
        // @ts-expect-error beyond the eighth step, results have no types
        earlier['s8'].length;
        return doubled;
      },
    },
  ],
});
export const eighth: SagaResults<typeof long>['s8'] = 's8';
// @ts-expect-error the input is a number
void runner.run(long, 'one');

// @ts-expect-error a saga has steps
defineSaga({ name: 'empty', steps: [] });
// @ts-expect-error a step runs
defineSaga({ name: 'idle', steps: [{ name: 'nothing' }] });
