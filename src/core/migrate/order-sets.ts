import { ConfigurationError } from '../foundation/errors/configuration-error.ts';
import { defineMigrationSet, type MigrationSet } from './migration-set.ts';

/**
 * Puts migration sets in the order in which they go up: each behind those that it requires, else as they were
 * given. They go down in the opposite one.
 *
 * @param sets all sets of a project
 * @param options whether some of the sets will do, so that a required one may be missing
 * @returns the same sets, checked
 * @throws ConfigurationError where two sets have one name, a required set is not there, or sets require each other
 * @throws ValidationError where a set breaks a rule; see `defineMigrationSet`
 */
export function orderSets(
  sets: readonly MigrationSet[],
  { areSome = false }: { readonly areSome?: boolean } = {},
): readonly MigrationSet[] {
  const checked = sets.map(defineMigrationSet);
  const byName = new Map(checked.map((set) => [set.name, set]));
  if (byName.size < checked.length) throw faultOf('two sets have the same name');
  const ordered = new Set<MigrationSet>();
  const visit = (set: MigrationSet, above: readonly string[]): void => {
    if (ordered.has(set)) return;
    const chain = [...above, set.name];
    if (above.includes(set.name)) throw faultOf(`sets require each other: ${chain.join(' → ')}`);
    for (const name of set.requires ?? []) {
      const required = byName.get(name);
      if (required !== undefined) visit(required, chain);
      else if (!areSome) throw faultOf(`set "${set.name}" requires set "${name}", which is not among them`);
    }
    ordered.add(set);
  };
  for (const set of checked) visit(set, []);
  return [...ordered];
}

function faultOf(message: string): ConfigurationError {
  return new ConfigurationError([{ path: ['migrations'], message }]);
}
