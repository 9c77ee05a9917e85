import type { Dialect, DialectAdapter, Driver, Kysely, QueryCompiler } from 'kysely';
import type { TranslateError } from './translate-error.ts';
import { TranslatingDriver } from './translating-driver.ts';

/**
 * A dialect whose driver lets only errors of this library out. It adds no other behaviour to the dialect
 * that it wraps.
 */
export class TranslatingDialect implements Dialect {
  readonly #inner: Dialect;
  readonly #translate: TranslateError;

  /**
   * @param inner the dialect to wrap
   * @param translate turns what its driver throws into an error of this library
   */
  constructor(inner: Dialect, translate: TranslateError) {
    this.#inner = inner;
    this.#translate = translate;
  }

  createDriver(): Driver {
    return new TranslatingDriver(this.#inner.createDriver(), this.#translate);
  }

  createQueryCompiler(): QueryCompiler {
    return this.#inner.createQueryCompiler();
  }

  createAdapter(): DialectAdapter {
    return this.#inner.createAdapter();
  }

  createIntrospector(db: Kysely<any>): ReturnType<Dialect['createIntrospector']> {
    return this.#inner.createIntrospector(db);
  }
}
