import type { Dialect } from 'kysely';
import { ForwardingDialect } from './forwarding-dialect.ts';
import type { TranslateError } from './translate-error.ts';
import { TranslatingDriver } from './translating-driver.ts';

/**
 * A dialect whose driver lets only errors of this library out. It adds no other behaviour to the dialect
 * that it wraps.
 */
export class TranslatingDialect extends ForwardingDialect {
  /**
   * @param inner the dialect to wrap
   * @param translate turns what its driver throws into an error of this library
   */
  constructor(inner: Dialect, translate: TranslateError) {
    super(inner, (driver) => new TranslatingDriver(driver, translate));
  }
}
