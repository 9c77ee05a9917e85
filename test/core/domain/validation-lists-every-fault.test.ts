import { expect } from 'chai';
import { z } from 'zod';
import {
  ValidationError,
  checkFields,
  defineValueObject,
  validate,
  validateAsync,
  type ValueOf,
} from '../../../src/core/domain/index.ts';
import { rejectionOf } from '../../support/rejection.ts';

const Percentage = defineValueObject({
  name: 'Percentage',
  normalize: (input) => (typeof input === 'number' ? input : undefined),
  rules: [
    [(value) => value >= 0 && value <= 100, 'must be from 0 to 100'],
    [(value) => Number.isInteger(value), 'must be whole'],
  ],
});
type Percentage = ValueOf<typeof Percentage>;

function faultsOf(work: () => unknown): readonly unknown[] {
  try {
    work();
  } catch (error) {
    if (error instanceof ValidationError) return error.issues;
    throw error;
  }
  throw new Error('no fault was found');
}

describe('validation', () => {
  it('lists every broken rule of a value object, and never the value', () => {
    const faults = faultsOf(() => Percentage.parse(123.456));
    expect(faults).to.deep.equal([
      { path: [], message: 'Percentage must be from 0 to 100' },
      { path: [], message: 'Percentage must be whole' },
    ]);
    expect(JSON.stringify(faultsOf(() => Percentage.parse('s3cret')))).not.to.contain('s3cret');
  });

  it('lists the faults of all fields with their paths', () => {
    const faults = faultsOf(() =>
      checkFields<{ done: Percentage; name: string; left: Percentage }>({
        done: () => Percentage.parse(-1),
        name: () => 'fine',
        left: () => Percentage.parse(101),
      }),
    );
    expect(faults).to.deep.equal([
      { path: ['done'], message: 'Percentage must be from 0 to 100' },
      { path: ['left'], message: 'Percentage must be from 0 to 100' },
    ]);
  });

  it('lets errors that are no faults of the value through', () => {
    const bug = new TypeError('a bug');
    expect(() =>
      checkFields({
        a: () => {
          throw bug;
        },
      }),
    ).to.throw(bug);
  });

  it('takes any Standard Schema, and gives every fault its path', () => {
    const schema = z.object({ tags: z.array(z.string()), theme: z.enum(['dark', 'light']) });
    expect(validate(schema, { tags: ['a'], theme: 'dark' })).to.deep.equal({ tags: ['a'], theme: 'dark' });
    const faults = faultsOf(() => validate(schema, { tags: ['a', 1], theme: 'pink' })) as {
      path: unknown[];
    }[];
    expect(faults.map(({ path }) => path)).to.deep.equal([['tags', 1], ['theme']]);
  });

  it('is a Standard Schema itself', () => {
    expect(validate(Percentage, 7)).to.equal(7);
    expect(faultsOf(() => validate(Percentage, 'x'))).to.have.length(1);
  });

  it('takes asynchronous schemas, but says so where the call is synchronous', async () => {
    const schema = z.string().refine((text) => Promise.resolve(text !== 'taken'), 'is taken');
    expect(await validateAsync(schema, 'free')).to.equal('free');
    expect(await rejectionOf(validateAsync(schema, 'taken'))).to.be.instanceOf(ValidationError);
    const faults = faultsOf(() => validate(schema, 'free')) as { message: string }[];
    expect(faults[0]?.message).to.contain('validateAsync');
    // Its promise is nobody's: where it rejects, the process must not end by it.
    const broken = z.string().refine(() => Promise.reject(new Error('the look-up failed')));
    expect(faultsOf(() => validate(broken, 'x'))).to.have.length(1);
    await new Promise((resolve) => setImmediate(resolve));
  });
});
