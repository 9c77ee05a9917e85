import { loadCrypto } from '../foundation/node-crypto.ts';
import type { ObservedRead } from '../repository/read-observer.ts';
import type { TableDefinition } from '../repository/table-definition.ts';
import type { CacheQuestion } from './cache-store.ts';

/** What the questions of a repository have in common. */
export interface QuestionScope {
  readonly region: string;
  readonly definition: TableDefinition;
  readonly isSensitive: boolean;
  /** What the keys of all processes begin with, that read the same columns in the same way. */
  readonly sharedPrefix: () => string;
}

/** What a repository asks a cache. */
export class RepositoryQuestion implements CacheQuestion {
  readonly key: string;
  readonly slots: readonly number[];
  readonly #scope: QuestionScope;
  readonly #text: string;
  readonly #answer: (raw: unknown) => unknown;

  /**
   * @param key tells it from every other one of this process
   * @param text tells it from every other one of the scope
   */
  constructor(
    scope: QuestionScope,
    key: string,
    text: string,
    slots: readonly number[],
    read: Pick<ObservedRead<unknown, unknown>, 'answer'>,
  ) {
    this.key = key;
    this.slots = slots;
    this.#scope = scope;
    this.#text = text;
    this.#answer = (raw) => read.answer(raw);
  }

  get region(): string {
    return this.#scope.region;
  }

  get definition(): TableDefinition {
    return this.#scope.definition;
  }

  get isSensitive(): boolean {
    return this.#scope.isSensitive;
  }

  sharedKey(): string {
    return `${this.#scope.sharedPrefix()}:${hashOf(this.#text)}`;
  }

  decode(raw: unknown): unknown {
    return this.#answer(raw);
  }
}

/** A hash that is the same in every process; keys hold no values. */
export function hashOf(text: string): string {
  return loadCrypto().createHash('sha256').update(text).digest('base64url').slice(0, 32);
}
