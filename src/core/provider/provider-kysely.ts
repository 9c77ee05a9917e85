import { Kysely, type KyselyConfig } from 'kysely';
import type { OpenEngine } from '../engine/engine.ts';

const closeDeadline = 10_000;

/**
 * The Kysely of a provider. Kysely's own `destroy` does nothing where no query has passed by its driver, and
 * most of a provider's go directly: connections would stay open, and keep the process from ending.
 */
export class ProviderKysely<DB> extends Kysely<DB> {
  /** What it was made of. */
  readonly config: KyselyConfig;
  readonly #engine: OpenEngine;

  constructor(config: KyselyConfig, engine: OpenEngine) {
    super(config);
    this.config = config;
    this.#engine = engine;
  }

  override async destroy(): Promise<void> {
    await super.destroy();
    await this.#engine.close(closeDeadline);
  }
}
