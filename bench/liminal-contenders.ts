import { DatabaseProviderFactory, Repository, type DatabaseProvider } from '../src/core/index.ts';
import { contenderOf } from './kysely-contender.ts';
import { openNotes } from './raw-contender.ts';
import type { Contender, Note, Tables } from './workload.ts';

function open(filename: string): DatabaseProvider<Tables> {
  openNotes(filename).close();
  return DatabaseProviderFactory.createProvider<Tables>({ type: 'sqlite', connection: { filename } });
}

/** Kysely on our dialect. */
export async function providerContender(filename: string): Promise<Contender> {
  const provider = open(filename);
  return contenderOf(provider.db, () => provider.close());
}

/** A repository, with its checks and its entities. */
export async function repositoryContender(filename: string): Promise<Contender> {
  const provider = open(filename);
  const notes = new Repository<Tables, 'notes', Note>(provider, {
    table: 'notes',
    key: 'id',
    version: 'version',
    columns: { id: 'uuid', title: 'text', made_at: 'integer', version: 'integer' },
    mapper: { fromRow: (row) => row, toRow: (note) => note },
  });
  return {
    byKey: (id) => notes.findById(id),
    page: (after) => notes.findMany({ made_at: { gt: after } }, { orderBy: 'made_at', limit: 20 }),
    insert: async (note) => void (await notes.insert(note)),
    change: (id) =>
      provider.transaction(async (on) => {
        await notes.update(await notes.getById(id, { on }), { on });
      }),
    close: () => provider.close(),
  };
}
