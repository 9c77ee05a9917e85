import type { StandardSchema } from '../../domain/standard-schema.ts';
import { CommitOutcomeUnknownError } from '../../foundation/errors/connection-errors.ts';
import { ValidationError } from '../../foundation/errors/validation-error.ts';
import type { Issue } from '../../foundation/issue.ts';
import type { SagaContext } from './saga-context.ts';

type Untyped = Readonly<Record<string, unknown>>;

/** A step as it runs: checked, with every default filled in. */
export interface PlannedStep {
  /** Its name. */
  readonly name: string;
  /** Does the work. */
  readonly run: (context: SagaContext<unknown, Untyped>) => unknown;
  /** Undoes it; undefined where there is nothing to undo. */
  readonly compensate:
    ((context: SagaContext<unknown, Untyped> & { readonly result: unknown }) => unknown) | undefined;
  /** How often `run` is tried. */
  readonly attempts: number;
  /** How often `compensate` is tried. */
  readonly compensationAttempts: number;
  /** The shortest and the longest wait between two attempts, in ms. */
  readonly delays: { readonly base: number; readonly cap: number };
  /** Whether an error of `run` may go away by itself. */
  readonly retryable: (error: unknown) => boolean;
  /** How long an attempt may take, in ms; infinity for no limit. */
  readonly timeout: number;
}

/** A definition, without its types. */
export interface UntypedDefinition {
  readonly name: string;
  readonly version?: number;
  readonly input?: StandardSchema;
  readonly steps: readonly UntypedStep[];
}

interface UntypedStep extends Pick<PlannedStep, 'name' | 'run'> {
  readonly compensate?: PlannedStep['compensate'];
  readonly retry?: {
    readonly attempts?: number;
    readonly compensationAttempts?: number;
    readonly baseDelay?: number;
    readonly maxDelay?: number;
    readonly retryable?: (error: unknown) => boolean;
  };
  readonly timeout?: number | false;
}

/** What a definition becomes. */
export interface SagaPlan {
  readonly name: string;
  readonly version: number;
  readonly input: StandardSchema | undefined;
  readonly steps: readonly PlannedStep[];
}

const namePattern = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$/;
const nameRule =
  'must be 1 to 100 ASCII letters, digits and _ . - signs, the first of them a letter or digit';
const mostSteps = 1_000;
const mostAttempts = 1_000;
const longest = 86_400_000;
const defaultTimeout = 300_000;
const defaultCompensationAttempts = 5;
const defaultBaseDelay = 100;
const defaultMaxDelay = 10_000;

/**
 * Checks a definition and fills in its defaults.
 *
 * @throws ValidationError with every fault
 */
export function planSaga(definition: UntypedDefinition): SagaPlan {
  const issues: Issue[] = [];
  const { name, version = 1, input } = definition;
  const steps: readonly UntypedStep[] = Array.isArray(definition.steps) ? definition.steps : [];
  if (!isName(name)) issues.push({ path: ['name'], message: nameRule });
  checkInteger(version, 1, 2_147_483_647, ['version'], issues);
  if (input !== undefined && typeof input['~standard']?.validate !== 'function') {
    issues.push({ path: ['input'], message: 'must be a Standard Schema' });
  }
  if (steps.length === 0 || steps.length > mostSteps) {
    issues.push({ path: ['steps'], message: `must be a list of 1 to ${mostSteps} steps` });
  }
  const planned = steps.map((step, index) => planStep(step, ['steps', index], issues));
  const names = planned.map((step) => step.name);
  for (const [index, each] of names.entries()) {
    if (names.indexOf(each) < index) {
      issues.push({ path: ['steps', index, 'name'], message: 'is the name of an earlier step as well' });
    }
  }
  if (issues.length > 0) throw new ValidationError(issues);
  return Object.freeze({ name, version, input, steps: Object.freeze(planned) });
}

function planStep(step: UntypedStep, path: Issue['path'], issues: Issue[]): PlannedStep {
  const { name, run, compensate, retry = {}, timeout = defaultTimeout } = step;
  const { attempts = 1, compensationAttempts = defaultCompensationAttempts } = retry;
  const { baseDelay = defaultBaseDelay, retryable = isWorthRetrying } = retry;
  const { maxDelay = Math.max(defaultMaxDelay, baseDelay) } = retry;
  if (!isName(name)) issues.push({ path: [...path, 'name'], message: nameRule });
  checkFunction(run, [...path, 'run'], issues);
  if (compensate !== undefined) checkFunction(compensate, [...path, 'compensate'], issues);
  checkFunction(retryable, [...path, 'retry', 'retryable'], issues);
  checkInteger(attempts, 1, mostAttempts, [...path, 'retry', 'attempts'], issues);
  checkInteger(compensationAttempts, 1, mostAttempts, [...path, 'retry', 'compensationAttempts'], issues);
  checkInteger(baseDelay, 1, longest, [...path, 'retry', 'baseDelay'], issues);
  checkInteger(maxDelay, baseDelay, longest, [...path, 'retry', 'maxDelay'], issues);
  if (timeout !== false) checkInteger(timeout, 1, longest, [...path, 'timeout'], issues);
  return Object.freeze({
    name,
    // Called on the step, so that one that is an object with a state of its own finds its `this`.
    run: (context) => step.run(context),
    compensate: compensate === undefined ? undefined : (context) => step.compensate?.(context),
    attempts,
    compensationAttempts,
    delays: Object.freeze({ base: baseDelay, cap: maxDelay }),
    retryable: (error) => isRetried(retryable, error),
    timeout: timeout === false ? Number.POSITIVE_INFINITY : timeout,
  } satisfies PlannedStep);
}

/** The caller's own code: where it throws, the error of the step is the one that counts, and it is final. */
function isRetried(retryable: (error: unknown) => boolean, error: unknown): boolean {
  try {
    return retryable(error);
  } catch {
    return false;
  }
}

function isWorthRetrying(error: unknown): boolean {
  // A blind retry of this one may do the work twice; a step has its idempotency key against that.
  if (error instanceof CommitOutcomeUnknownError) return true;
  return !(typeof error === 'object' && error !== null && 'retryable' in error && error.retryable === false);
}

function isName(name: unknown): boolean {
  return typeof name === 'string' && namePattern.test(name);
}

function checkFunction(value: unknown, path: Issue['path'], issues: Issue[]): void {
  if (typeof value !== 'function') issues.push({ path, message: 'must be a function' });
}

function checkInteger(value: number, low: number, high: number, path: Issue['path'], issues: Issue[]): void {
  if (Number.isInteger(value) && value >= low && value <= high) return;
  issues.push({ path, message: `must be an integer from ${low} to ${high}` });
}
