import { ValidationError } from '../foundation/errors/validation-error.ts';
import type { Issue } from '../foundation/issue.ts';
import type { StandardIssue, StandardResult, StandardSchema } from './standard-schema.ts';

/**
 * Checks a value by a schema and returns what the schema makes of it.
 *
 * @param schema any Standard Schema whose check is synchronous
 * @param value anything
 * @returns the schema's output
 * @throws ValidationError with every fault and its path; also where the schema is asynchronous
 * @example
 * const settings = validate(z.object({ theme: z.enum(['dark', 'light']) }), input);
 */
export function validate<Output>(schema: StandardSchema<Output>, value: unknown): Output {
  const result = schema['~standard'].validate(value);
  if (result instanceof Promise) {
    // Nobody will await it, and a rejection that nobody handles ends the process.
    result.catch(() => {});
    throw new ValidationError('This schema checks asynchronously: use validateAsync.');
  }
  return outputOf(result);
}

/**
 * As `validate`, for schemas whose check may be asynchronous.
 *
 * @param schema any Standard Schema
 * @param value anything
 * @returns the schema's output
 * @throws ValidationError with every fault and its path
 */
export async function validateAsync<Output>(schema: StandardSchema<Output>, value: unknown): Promise<Output> {
  return outputOf(await schema['~standard'].validate(value));
}

function outputOf<Output>(result: StandardResult<Output>): Output {
  if (result.issues === undefined) return result.value;
  throw new ValidationError(result.issues.map(issueOf));
}

function issueOf({ message, path = [] }: StandardIssue): Issue {
  return {
    message,
    path: path.map((segment) => {
      const key = typeof segment === 'object' ? segment.key : segment;
      return typeof key === 'number' ? key : String(key);
    }),
  };
}
