import type { ChatDatabase } from '../../src/chat/chat-database.ts';
import type { DatabaseProvider } from '../../src/core/index.ts';
import { poolSize, type ContenderOptions } from '../contender.ts';
import { loadCore } from '../library.ts';

const { DatabaseProviderFactory } = await loadCore();

// It listens for slow statements, as by default, and prints none of them between the figures.
const slowQueryThreshold = 86_400_000;

/** A provider of the library with its defaults, but for what all contenders have alike. */
export function openProvider(options: ContenderOptions): DatabaseProvider<ChatDatabase> {
  if (options.engine === 'sqlite') {
    const { filename, durability } = options;
    return DatabaseProviderFactory.createProvider({
      type: 'sqlite',
      connection: { filename, durability },
      slowQueryThreshold,
    });
  }
  return DatabaseProviderFactory.createProvider({
    url: options.url,
    pool: { max: poolSize },
    slowQueryThreshold,
  });
}
