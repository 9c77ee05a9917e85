import { setImmediate as loopTurn } from 'node:timers/promises';
import type { CompiledQuery } from 'kysely';
import { tagsOf } from '../../../src/core/cache/tags-of.ts';
import { TouchReader } from '../../../src/core/cache/touch/touch-reader.ts';
import { WriteEffects } from '../../../src/core/cache/touch/write-effects.ts';
import {
  watchWrites,
  type HearOutcome,
  type Touch,
  type WriteOutcome,
  type WriteWatcher,
} from '../../../src/core/provider/write-watch.ts';
import { familyTables, type FamilyProvider } from './family-tables.ts';

/** Everything, where a touch may be anything. */
export const everyTag = '*';

/** Remembers what it hears of. It takes its time behind each outcome, so that who does not wait for it is found out. */
export class RecordingWatcher implements WriteWatcher {
  readonly anything: Touch;
  readonly effects: WriteEffects;
  readonly #reader: TouchReader;
  /** What was moved, as far as somebody has waited for it. */
  moved = new Set<string>();
  outcomes: WriteOutcome[] = [];
  /** How often it was told of what is about to take effect. */
  announced = 0;
  onCommitting: (tags: ReadonlySet<string>) => void = () => {};
  companions: (touches: readonly Touch[]) => readonly CompiledQuery[] = () => [];

  private constructor(provider: FamilyProvider, triggers: Readonly<Record<string, readonly string[]>>) {
    this.#reader = new TouchReader(provider.sql.lexicalRules);
    this.anything = this.#reader.anything;
    this.effects = new WriteEffects(provider, { triggers });
  }

  /** Watches from now on. */
  static async watch(
    provider: FamilyProvider,
    triggers: Readonly<Record<string, readonly string[]>> = {},
  ): Promise<RecordingWatcher & { readonly end: () => void }> {
    const watcher = new RecordingWatcher(provider, triggers);
    await watcher.effects.read();
    const end = watchWrites(provider, watcher)!;
    return Object.assign(watcher, { end });
  }

  forget(): void {
    this.moved = new Set();
    this.outcomes = [];
    this.announced = 0;
  }

  touchedBy(query: CompiledQuery): Touch | undefined {
    return this.#reader.touchedBy(query);
  }

  accompany(touches: readonly Touch[]): readonly CompiledQuery[] {
    return this.companions(touches);
  }

  committing(touches: readonly Touch[]): HearOutcome {
    this.announced += 1;
    const tags = tagsOf(touches, familyTables, this.effects) ?? new Set([everyTag]);
    this.onCommitting(tags);
    return async (outcome) => {
      await loopTurn();
      this.outcomes.push(outcome);
      if (outcome !== 'undone') this.moved = new Set([...this.moved, ...tags]);
    };
  }
}
