import { currentActor } from '../foundation/actor-context.ts';
import type { Logger } from '../foundation/logger.ts';
import type { StatementAudience, StatementEvent } from '../foundation/statement-event.ts';
import { warnOfRepeats } from './n-plus-one-watch.ts';
import { checkNPlusOneOptions, StatementRepeats, type NPlusOneOptions } from './statement-repeats.ts';

/** How many transactions are counted in at once. */
const mostTransactions = 1_000;

/**
 * Warns of statements that run again and again in one transaction, or outside of one in one request: that of a `runAs`
 * with a `requestId`.
 */
export class NPlusOneDetector implements StatementAudience {
  readonly threshold = 0;
  readonly #options: NPlusOneOptions;
  readonly #logger: Pick<Logger, 'warn'>;
  readonly #transactions = new Map<number, StatementRepeats>();
  readonly #requests = new WeakMap<object, StatementRepeats>();

  /** @throws ValidationError with every fault of the options */
  constructor(options: NPlusOneOptions, logger: Pick<Logger, 'warn'>) {
    checkNPlusOneOptions(options);
    this.#options = options;
    this.#logger = logger;
  }

  readonly hear = (event: StatementEvent): void => {
    const { transaction } = event;
    const repeats = transaction === undefined ? this.#ofRequest() : this.#ofTransaction(transaction);
    const finding = repeats?.note(event);
    if (finding !== undefined) warnOfRepeats(this.#logger, finding, transaction);
  };

  #ofTransaction(transaction: number): StatementRepeats {
    const known = this.#transactions.get(transaction);
    if (known !== undefined) return known;
    const repeats = new StatementRepeats(this.#options);
    this.#transactions.set(transaction, repeats);
    const [oldest] = this.#transactions.keys();
    if (this.#transactions.size > mostTransactions && oldest !== undefined) this.#transactions.delete(oldest);
    return repeats;
  }

  #ofRequest(): StatementRepeats | undefined {
    const actor = currentActor();
    if (actor?.requestId === undefined) return undefined;
    const known = this.#requests.get(actor);
    if (known !== undefined) return known;
    const repeats = new StatementRepeats(this.#options);
    this.#requests.set(actor, repeats);
    return repeats;
  }
}
