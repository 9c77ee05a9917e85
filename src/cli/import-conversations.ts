import { openChatStore } from '../chat/index.ts';
import { systemClock } from '../core/index.ts';
import type { Cli } from './cli.ts';
import { readConversations } from './conversation-file.ts';
import { chooseDatabase, type DatabaseOptions } from './open-database.ts';
import { createProgress } from './progress.ts';

/**
 * Imports a file into the chat store, whose tables are brought up to date first.
 *
 * @throws ValidationError where the file cannot be read; what was committed before its faulty line stays
 */
export async function importConversations(cli: Cli, options: DatabaseOptions, file: string): Promise<void> {
  const { database, label } = await chooseDatabase(cli, options);
  const store = await openChatStore({ database });
  const progress = createProgress({ stream: cli.output.stderr, unit: 'threads' });
  const start = systemClock.monotonic();
  try {
    const { threads, messages, skipped } = await store.conversations
      .importThreads(readConversations(file), {
        onProgress: (done) =>
          progress.update(done.threads + done.skipped, `${done.messages} messages imported`),
      })
      .finally(() => progress.end());
    const duration = Math.round(systemClock.monotonic() - start);
    cli.output.line(
      `Imported ${threads} threads with ${messages} messages into ${label} in ${duration} ms; ${skipped} were there already.`,
    );
    cli.output.document({ database: label, threads, messages, skipped, duration });
  } finally {
    await store.close();
  }
}
