import { ValidationError } from '../foundation/errors/validation-error.ts';
import type { SharedDefinitions } from '../query/shared-definitions.ts';
import type { StatementTemplates } from '../query/statement-cache.ts';
import { defineTable, type TableDefinition, type TableOptions } from './table-definition.ts';

/** A table, and the statements on it that were compiled. */
interface SharedTable {
  readonly definition: TableDefinition;
  readonly templates: StatementTemplates;
}

/**
 * Gives a repository its table: that of others of its class who are told the same of it, where something is shared.
 *
 * @throws ValidationError with every fault of the options, and where there is nothing to work on
 */
export function shareTable(
  provider: { readonly shared?: SharedDefinitions | undefined } | undefined,
  repositoryClass: object,
  options: TableOptions,
): SharedTable {
  // The type of the caller says it; this is for whoever writes JavaScript.
  if (provider === undefined || provider === null)
    throw new ValidationError([{ path: ['provider'], message: 'must be a DatabaseProvider, or a unit' }]);
  const { shared } = provider;
  const make = (): SharedTable => ({ definition: defineTable(options), templates: new Map() });
  if (shared === undefined) return make();
  const { table, key, version, insertOnly, growing, unique, columns, mapper } = options ?? {};
  const parts = [table, key, version, insertOnly, growing, unique, columns, mapper?.sealed];
  const definition = JSON.stringify(parts);
  return shared.get(repositoryClass, definition, make);
}
