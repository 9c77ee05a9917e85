import type { Contender, ContenderOptions } from '../contender.ts';
import { callKysely } from './kysely-calls.ts';
import { openProvider } from './liminal-provider.ts';

/** Plain Kysely on the library's dialects. */
export async function open(options: ContenderOptions): Promise<Contender> {
  const provider = openProvider(options);
  return callKysely(provider.db, () => provider.close());
}
