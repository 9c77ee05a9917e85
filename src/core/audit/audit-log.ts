import type { Kysely, Transaction } from 'kysely';
import { createUuidSource } from '../domain/uuid.ts';
import { currentActor } from '../foundation/actor-context.ts';
import { systemClock, type Clock } from '../foundation/clock.ts';
import { ValidationError } from '../foundation/errors/validation-error.ts';
import type { MacKeys } from '../foundation/mac-keys.ts';
import { gatherForCommit } from '../provider/transaction-hooks.ts';
import { readHeads, signAnchor, type AuditAnchor } from './anchor.ts';
import { startAnchoring, type Anchoring, type AnchoringOptions } from './anchoring.ts';
import type { AuditEvent } from './audit-event.ts';
import { AuditKeeper } from './audit-keeper.ts';
import type { AuditProvider } from './audit-provider.ts';
import { checkEvent, type EventRules } from './check-event.ts';
import { ChainAppender } from './chain-appender.ts';
import { auditTablesOf } from './audit-tables.ts';
import { maskValue, type MaskedValue } from './masked-value.ts';
import { verifyTrail, type VerifyOptions } from './verify-trail.ts';
import type { AuditVerification } from './verify-report.ts';

/** How an audit trail is kept. */
export interface AuditLogOptions {
  /** Make the keyed codes of events: a `KeyRing`. Keep them where whoever can change the database cannot read them. */
  readonly keys: MacKeys;
  /**
   * Names the chain that an event belongs to: 1 to 255 characters. Writers of one chain wait for each other's COMMIT.
   * By default `tenant:<tenant>`, else `entity:<entity type>`, else `audit`.
   */
  readonly stream?: (event: AuditEvent) => string;
  /** Where the time of an event comes from; the machine's by default. It decides no order. */
  readonly clock?: Clock;
  /** Whether an event is refused for which nobody is known. False by default. */
  readonly requireActor?: boolean;
}

/**
 * The audit trail: who changed what, in the transaction of the change, so that either both are committed or neither
 * is. Events of a stream are a chain of hashes with keyed codes, and the database itself refuses to change them;
 * `verify` finds what was changed nevertheless.
 *
 * It does not decide what is worth an event: `audited` records the changes of a repository, everything else is
 * `record`. Its tables are those of `auditMigrations`.
 *
 * @example
 * const log = new AuditLog(provider, { keys: KeyRing.fromEnv() });
 * await provider.transaction(async (tx) => {
 *   await orders.insert(order, { on: tx });
 *   await log.record(tx, { action: 'create', entity: { type: 'order', id: order.id } });
 * });
 */
export class AuditLog extends AuditKeeper {
  /** Make the keyed codes of events. */
  readonly keys: MacKeys;
  /** Where time comes from. */
  readonly clock: Clock;
  readonly #rules: EventRules;
  readonly #newId: () => string;
  readonly #appender: ChainAppender;

  /**
   * @param provider the database that the changes are made in
   * @param options the keys, and how events are sorted into streams
   * @throws ValidationError where there are no keys
   */
  constructor(provider: AuditProvider, options: AuditLogOptions) {
    requireKeys(options);
    const { keys, stream, clock = systemClock, requireActor = false } = options;
    super(provider);
    this.keys = keys;
    this.clock = clock;
    this.#rules = { keys, stream, requireActor };
    this.#newId = createUuidSource(clock);
    this.#appender = ChainAppender.of(provider);
  }

  /**
   * Records an event with the transaction's commit. In a unit of work and in `provider.transaction` it is written just
   * before COMMIT, all events together; it is dropped with a nested unit that is undone. In a transaction of Kysely's
   * own it is written at once.
   *
   * What is recorded is what the event holds at the call.
   *
   * @param db the transaction's own handle: `tx` of `provider.transaction`, `db` of a unit of work
   * @param event what happened
   * @throws ValidationError with every fault, where the handle is no transaction or that of another provider, or the
   *   event breaks a rule
   * @throws ReadOnlyDatabaseError where the transaction is read only; TransactionClosedError where its end has begun;
   *   and, where it is written at once, the errors of any statement
   * @example
   * await log.record(tx, { action: 'reveal', entity: { type: 'api-key', id }, reason: 'asked by its owner' });
   */
  async record(db: Pick<Kysely<never>, 'isTransaction'>, event: AuditEvent): Promise<void> {
    if (db?.isTransaction !== true) {
      throw new ValidationError([
        { path: ['db'], message: 'must be the handle of a transaction, so that the event commits with it' },
      ]);
    }
    if (adapterOf(db) !== adapterOf(this.provider.db)) {
      throw new ValidationError([
        { path: ['db'], message: 'must be of the database that the trail is in, and is of another one' },
      ]);
    }
    const facts = checkEvent(event, this.#rules, {
      id: this.#newId(),
      recordedAt: this.clock.now(),
      actor: currentActor(),
    });
    const keyed = { facts, keys: this.keys };
    if (gatherForCommit(db, this.#appender, keyed)) return;
    await this.#appender.appendToOwn(db as unknown as Transaction<never>, [keyed]);
  }

  /**
   * Reads the whole trail in one snapshot and finds what was changed in it since it was written: the first place of
   * each chain, and what happened there. That the end of a chain is missing, and that all of it was written anew by
   * somebody who has the keys, only anchors tell.
   *
   * @param options anchors to hold it against, a signal, and who hears of the progress
   * @returns what was found of each chain; `isSound` where nothing is wrong
   * @throws ValidationError where an anchor is forged; the reason of the signal; the errors of any statement
   * @example
   * const { isSound, streams } = await log.verify({ anchors: await readAnchors('./audit-anchors.jsonl') });
   */
  verify(options: VerifyOptions = {}): Promise<AuditVerification> {
    return verifyTrail(this.provider, this.keys, options);
  }

  /**
   * Signs how far each chain has come. Keep the anchor where whoever can change the database cannot: it proves later
   * that all of this was there.
   *
   * @returns the signed heads of all chains
   * @throws the errors of any statement
   * @example
   * await fileAnchors('./audit-anchors.jsonl')(await log.anchor());
   */
  async anchor(): Promise<AuditAnchor> {
    const heads = await readHeads(auditTablesOf(this.provider.db));
    return signAnchor(this.keys, this.clock.now(), heads);
  }

  /**
   * Makes anchors from time to time, and hands them to who keeps them. It holds no process, and ends with the provider.
   *
   * @param options when and where, and who hears what fails
   * @returns ends it
   * @throws ValidationError where the time is out of its range
   * @example
   * await using anchoring = log.startAnchoring({
   *   every: 3_600_000,
   *   to: fileAnchors('./audit-anchors.jsonl'),
   *   onError: (error) => logger.error({ error }, 'an anchor was not kept'),
   * });
   */
  startAnchoring(options: AnchoringOptions): Anchoring {
    return startAnchoring(() => this.anchor(), this.clock, options);
  }

  /**
   * Masks a value for an event of one's own, as `mask` of an audited repository does: a keyed code stands for it, so that
   * the trail shows whether it changed, and not what it is.
   *
   * @param entity the type of the entity that it belongs to
   * @param field the field; equal values of another field have another code
   * @param value the value
   * @returns what stands for it in `changes`
   * @example
   * const [old, next] = [log.mask('user', 'email', before), log.mask('user', 'email', after)];
   * await log.record(tx, { action: 'update', changes: [{ field: 'email', old, new: next }] });
   */
  mask(entity: string, field: string, value: string | number | Uint8Array): MaskedValue {
    return maskValue(this.keys, { entity, field }, value);
  }
}

/** Each Kysely has one of its own, and every handle that is made of it has the same. */
function adapterOf(handle: object): unknown {
  return (handle as Kysely<never>).getExecutor().adapter;
}

// The types say it; this is for whoever writes JavaScript, and would hear of it at the first event.
function requireKeys(options: Partial<AuditLogOptions> | undefined): void {
  const keys: Partial<MacKeys> | undefined = options?.keys;
  if (typeof keys?.mac === 'function' && typeof keys.activeId === 'string') return;
  throw new ValidationError([{ path: ['keys'], message: 'must be a KeyRing, such as KeyRing.fromEnv()' }]);
}
