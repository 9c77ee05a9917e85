import { defineId } from '../../domain/uuid.ts';
import { systemClock, type Clock } from '../../foundation/clock.ts';
import { NotFoundError } from '../../foundation/errors/entity-errors.ts';
import { ValidationError } from '../../foundation/errors/validation-error.ts';
import { isStorableText } from '../../query/storable-text.ts';
import { loadSaga } from './saga-journal.ts';
import { detailsOf, summaryOf, type SagaDetails, type SagaSummary } from './saga-record.ts';
import { asJournal, type SagaProvider, type SagaStatus, type SagaTables } from './saga-tables.ts';

/** Which sagas are listed. */
export interface ListSagasOptions {
  /** Only those that stand so. */
  readonly status?: SagaStatus;
  /** Only those of this definition. */
  readonly name?: string;
  /** At most so many, an integer from 1 to 1,000; 50 by default. */
  readonly limit?: number;
}

const SagaId = defineId('SagaId');
const statuses: readonly SagaStatus[] = [
  'running',
  'compensating',
  'completed',
  'compensated',
  'stuck',
  'resolved',
];
const mostListed = 1_000;
const longestNote = 2_000;

/**
 * The journal of sagas for those who operate it: what there is, why something is stuck, and what is to
 * become of it. It needs the tables alone, not the code of any saga, and runs no step itself.
 *
 * @example
 * const records = new SagaRecords(provider);
 * for (const { id, stuck } of await records.list({ status: 'stuck' })) console.log(id, stuck?.message);
 */
export class SagaRecords<DB = unknown> {
  readonly #provider: SagaProvider<SagaTables>;
  readonly #clock: Clock;

  /**
   * @param provider of the database with the tables of `sagaMigrations`
   * @param options `clock` says when; the machine's by default
   */
  constructor(provider: SagaProvider<DB>, options: { readonly clock?: Clock } = {}) {
    this.#provider = asJournal(provider);
    this.#clock = options.clock ?? systemClock;
  }

  /**
   * Lists sagas, those that were written last first.
   *
   * @param options which, and how many
   * @returns what the journal has of them, without their steps
   * @throws ValidationError where the limit is out of range or the status is none
   * @example
   * const stuck = await records.list({ status: 'stuck', limit: 20 });
   */
  async list({ status, name, limit = 50 }: ListSagasOptions = {}): Promise<SagaSummary[]> {
    if (!Number.isInteger(limit) || limit < 1 || limit > mostListed) {
      throw new ValidationError([{ path: ['limit'], message: `must be an integer from 1 to ${mostListed}` }]);
    }
    if (status !== undefined && !statuses.includes(status)) {
      throw new ValidationError([{ path: ['status'], message: `must be one of ${statuses.join(', ')}` }]);
    }
    let query = this.#provider.db.selectFrom('sagas').selectAll();
    if (status !== undefined) query = query.where('status', '=', status);
    if (name !== undefined) query = query.where('name', '=', name);
    const rows = await query.orderBy('updated_at', 'desc').orderBy('id', 'desc').limit(limit).execute();
    return rows.map(summaryOf);
  }

  /**
   * Shows a saga with its steps.
   *
   * @param id of the saga
   * @returns everything that the journal has of it, its input included
   * @throws NotFoundError where there is no such saga
   * @throws ValidationError where the id is no UUID
   * @example
   * const { stuck, steps } = await records.show(id);
   */
  async show(id: string): Promise<SagaDetails> {
    const found = await loadSaga(this.#provider.db, SagaId.parse(id));
    if (found === undefined) throw new NotFoundError('sagas');
    return detailsOf(found);
  }

  /**
   * Lets a stuck saga be tried again, from where it stands and with all attempts anew, by whichever runner
   * comes first. It does not wait for that.
   *
   * @param id of the saga
   * @returns the saga as it stands now
   * @throws NotFoundError where there is no such saga
   * @throws ValidationError where it is not stuck, or the id is no UUID; nothing is changed then
   * @example
   * await records.retry(id);
   */
  async retry(id: string): Promise<SagaDetails> {
    return this.#change(id, ['stuck'], 'Only a stuck saga can be tried again', (now) => ({
      stuck_step: null,
      stuck_reason: null,
      stuck_message: null,
      owner: null,
      updated_at: now,
    }));
  }

  /**
   * Closes a saga by hand: nothing is done or undone any more. For one that is stuck and was put right
   * elsewhere; with `force` for any that has not ended, whose owner then loses its lease.
   *
   * @param id of the saga
   * @param options `note` says what was done, for those who look later: 1 to 2,000 characters, without NUL
   * @returns the saga as it stands now
   * @throws NotFoundError where there is no such saga
   * @throws ValidationError where it has ended, where it is not stuck and there is no `force`, where the note
   *   is empty or too long, or the id is no UUID; nothing is changed then
   * @example
   * await records.resolve(id, { note: 'The bank has paid back by hand, ticket 1042.' });
   */
  async resolve(
    id: string,
    options: { readonly note: string; readonly force?: boolean },
  ): Promise<SagaDetails> {
    const { note, force = false } = options;
    if (note.trim() === '' || note.length > longestNote || !isStorableText(note)) {
      const message = `must be text of 1 to ${longestNote} characters, without NUL and lone surrogates`;
      throw new ValidationError([{ path: ['note'], message }]);
    }
    const from: SagaStatus[] = force ? ['stuck', 'running', 'compensating'] : ['stuck'];
    const refusal = force
      ? 'Only a saga that has not ended can be resolved'
      : 'Only a stuck saga can be resolved without force';
    return this.#change(id, from, refusal, (now) => ({
      status: 'resolved' as const,
      note,
      owner: null,
      updated_at: now,
      finished_at: now,
    }));
  }

  /**
   * Deletes sagas that have ended, with their steps. Their idempotency keys are free again. Stuck sagas stay.
   *
   * @param finishedBefore a wall time in ms since the Unix epoch
   * @returns how many were deleted
   * @throws ValidationError where the time is no whole number
   * @example
   * await records.deleteFinished(Date.now() - 30 * 86_400_000);
   */
  async deleteFinished(finishedBefore: number): Promise<number> {
    if (!Number.isSafeInteger(finishedBefore)) {
      throw new ValidationError([{ path: ['finishedBefore'], message: 'must be a whole number of ms' }]);
    }
    const { numDeletedRows } = await this.#provider.db
      .deleteFrom('sagas')
      .where('status', 'in', ['completed', 'compensated', 'resolved'])
      .where('finished_at', '<', finishedBefore)
      .executeTakeFirstOrThrow();
    return Number(numDeletedRows);
  }

  /** The fence moves, so that whoever may still hold the saga can write nothing more. */
  #change(
    id: string,
    from: readonly SagaStatus[],
    refusal: string,
    changes: (now: number) => Readonly<Record<string, string | number | null>>,
  ): Promise<SagaDetails> {
    const sagaId = SagaId.parse(id);
    return this.#provider.transaction(async (tx) => {
      const { numUpdatedRows } = await tx
        .updateTable('sagas')
        .set((set) => ({
          status: set
            .case()
            .when('direction', '=', 'forward')
            .then('running' as SagaStatus)
            .else('compensating' as SagaStatus)
            .end(),
          fence: set('fence', '+', 1),
          ...changes(this.#clock.now()),
        }))
        .where('id', '=', sagaId)
        .where('status', 'in', from)
        .executeTakeFirstOrThrow();
      const found = await loadSaga(tx, sagaId);
      if (found === undefined) throw new NotFoundError('sagas');
      if (numUpdatedRows === 0n) throw new ValidationError(`${refusal}; this one is ${found.saga.status}.`);
      if (found.saga.status === 'resolved') return detailsOf(found);
      await tx
        .updateTable('saga_steps')
        .set({ state: 'interrupted', failures: 0, crashes: 0 })
        .where('saga_id', '=', sagaId)
        .where('state', '!=', 'done')
        .where('direction', '=', found.saga.direction)
        .execute();
      return detailsOf((await loadSaga(tx, sagaId)) ?? found);
    });
  }
}
