import * as door from '../src/core/index.ts';

interface ErrorClass {
  readonly name: string;
  readonly description: door.ErrorDescription;
}

/** Every concrete error class of the main door, by name. */
export const errorClasses: readonly ErrorClass[] = Object.values(door as Record<string, unknown>)
  .filter(isErrorClass)
  .sort((a, b) => (a.name < b.name ? -1 : 1));

/** The error page, from what the classes say of themselves. */
export function renderErrorDocs(): string {
  const sections = errorClasses.map(({ name, description: { code, retryable, when, remedy } }) =>
    [
      `## ${name}\n`,
      `- Code: \`${code}\``,
      `- Retryable: ${retryable ? 'yes' : 'no'}`,
      `- When: ${when}`,
      `- What to do: ${remedy}\n`,
    ].join('\n'),
  );
  return `${heading()}\n${sections.join('\n')}`;
}

function heading(): string {
  return `# Errors

Generated from the error classes by \`npm run docs:errors\`; do not edit.

Every error of the library extends \`LiminalDataError\` and has a stable \`code\`, \`retryable\`, a message that says what was
asked, what happened and what to do, and, where a driver failed, its error as \`cause\`. No message, field or JSON form
holds a secret or a parameter value. \`isLiminalDataError(error, code?)\` recognises them across installed copies.

*Retryable* means that the condition is transient and that the whole unit of work may be run again, provided that its
COMMIT was not sent. It does not mean that a single write may be repeated.
`;
}

function isErrorClass(value: unknown): value is ErrorClass {
  return (
    typeof value === 'function' &&
    value.prototype instanceof door.LiminalDataError &&
    (value as Partial<ErrorClass>).description !== undefined
  );
}
