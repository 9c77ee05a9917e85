import type { Clock } from '../foundation/clock.ts';
import { nameError } from '../foundation/ask-outside.ts';
import { NestedAcquireError } from '../foundation/errors/connection-errors.ts';
import { LiminalDataError } from '../foundation/errors/liminal-data-error.ts';
import { isHealthStatus } from '../foundation/health-status.ts';
import type { Logger } from '../foundation/logger.ts';
import { within } from '../foundation/within.ts';
import { judgeMost } from './budget.ts';
import type { CheckFinding, CheckResult, HealthCheck } from './health-check.ts';

/** How the checks are run. */
export interface CheckRunOptions {
  /** The longest that a check may take that does not say so itself, in ms. */
  readonly timeout: number;
  readonly clock: Clock;
  /** Hears what a check has thrown. */
  readonly logger: Logger;
}

/** A check of our own that remembers between its looks. */
export interface PeekedCheck extends HealthCheck {
  /** As `run`, for a look beside the others: those to come find what they would have found without it. */
  readonly peek?: HealthCheck['run'];
}

interface Running {
  readonly start: number;
  readonly result: Promise<CheckResult>;
  readonly controller: AbortController;
}

/** After so many times its limit a run that does not end is left to itself, so that a new one may tell more. */
const limitsUntilLeft = 10;

/** Runs one check: within its limit, and not again while it still runs. */
export class CheckRun {
  readonly #check: PeekedCheck;
  readonly #options: CheckRunOptions;
  #running: Running | undefined;
  /** The last run that was not over in time, until it is. */
  #hung: Running | undefined;
  /** Whether it threw when it last ended, so that an outage is logged once and not with every look. */
  #hasThrown = false;

  constructor(check: PeekedCheck, options: CheckRunOptions) {
    this.#check = check;
    this.#options = options;
  }

  /** Runs it, or waits for the run that is under way. Never rejects. */
  run(): Promise<CheckResult> {
    if (this.#running !== undefined && this.#isLeft(this.#running)) this.#running = undefined;
    const running = (this.#running ??= this.#start(this.#check.run.bind(this.#check)));
    const forget = (): void => {
      if (this.#running === running) this.#running = undefined;
    };
    void running.result.then(forget);
    return this.#wait(running);
  }

  /**
   * Runs it beside whatever is under way, which may wait for what the caller holds; but not beside a run that hangs.
   * Never rejects.
   */
  async runAlone(): Promise<CheckResult> {
    const hung = this.#hung;
    if (hung !== undefined && !this.#isLeft(hung)) return this.#silenceOf(hung);
    const check = this.#check;
    return this.#wait(this.#start((signal) => (check.peek ? check.peek(signal) : check.run(signal))));
  }

  #isLeft({ start }: Running): boolean {
    return this.#options.clock.monotonic() - start >= this.#timeout * limitsUntilLeft;
  }

  get #timeout(): number {
    return this.#check.timeout ?? this.#options.timeout;
  }

  async #wait(running: Running): Promise<CheckResult> {
    const inTime = await within(this.#options.clock, this.#timeout, running.result);
    if (inTime !== undefined) return inTime;
    running.controller.abort();
    this.#hung = running;
    const forget = (): void => {
      if (this.#hung === running) this.#hung = undefined;
    };
    void running.result.then(forget);
    return this.#silenceOf(running);
  }

  #silenceOf({ start }: Running): CheckResult {
    const duration = this.#options.clock.monotonic() - start;
    const message = `There is no answer after ${Math.round(duration)} ms.`;
    return { name: this.#check.name, status: 'unhealthy', message, duration };
  }

  #start(look: HealthCheck['run']): Running {
    const controller = new AbortController();
    return {
      start: this.#options.clock.monotonic(),
      controller,
      result: this.#look(look, controller.signal),
    };
  }

  async #look(look: HealthCheck['run'], signal: AbortSignal): Promise<CheckResult> {
    const { clock, logger } = this.#options;
    const { name } = this.#check;
    const start = clock.monotonic();
    let finding: CheckFinding;
    try {
      finding = (await look(signal)) ?? {};
      this.#hasThrown = false;
    } catch (error) {
      if (!this.#hasThrown) logger.warn({ error, check: name }, 'a health check has failed');
      this.#hasThrown = true;
      finding = describeFailure(error);
    }
    return resultOf(name, finding, clock.monotonic() - start);
  }
}

function resultOf(name: string, finding: CheckFinding, duration: number): CheckResult {
  const { value, budget, detail } = finding;
  const judged = value === undefined || budget === undefined ? 'healthy' : judgeMost(value, budget);
  // What a check in JavaScript calls otherwise must not pass for well.
  const status = isHealthStatus(finding.status ?? judged) ? (finding.status ?? judged) : 'unhealthy';
  return {
    name,
    status,
    message: finding.message ?? (status === 'healthy' ? 'All is well.' : `It is ${status}.`),
    duration,
    ...(detail !== undefined && { detail }),
    ...(value !== undefined && { value }),
    ...(budget !== undefined && { budget }),
  };
}

/** The message of a foreign error may hold anything; those of this library name hosts and files, and no secret. */
function describeFailure(error: unknown): CheckFinding {
  if (error instanceof NestedAcquireError) {
    return { message: 'It was not asked: the transaction around the call holds the only connection.' };
  }
  if (error instanceof LiminalDataError) {
    return { status: 'unhealthy', message: `It failed (${error.code}).`, detail: error.message };
  }
  return { status: 'unhealthy', message: `It failed (${nameError(error)}).` };
}
