import { openChatStore } from '../chat/index.ts';
import { systemClock } from '../core/index.ts';
import { KeyRing } from '../core/security/index.ts';
import { asCaller } from './audit-options.ts';
import type { Cli } from './cli.ts';
import { ConversationFile } from './conversation-file.ts';
import { chooseDatabase, withProvider, type DatabaseOptions } from './open-database.ts';
import { createProgress } from './progress.ts';
import { hasAuditTrail } from './recorded-work.ts';

/**
 * Imports a file into the chat store, whose tables are brought up to date first.
 *
 * @param cli where it reports
 * @param options which database
 * @param path of the file
 * @throws ValidationError where the file cannot be read, or a conversation in it breaks a rule: it names the
 *   line, and what was committed before that line stays
 */
export async function importConversations(cli: Cli, options: DatabaseOptions, path: string): Promise<void> {
  const { database, label } = await chooseDatabase(cli, options);
  // Where others record what they do, what is imported must not come in unseen.
  const isAudited = await withProvider(database, hasAuditTrail);
  const store = await openChatStore({
    database,
    ...(isAudited && { audit: { keys: KeyRing.fromEnv(cli.env) } }),
  });
  const progress = createProgress({ stream: cli.output.stderr, unit: 'threads' });
  const file = new ConversationFile(path);
  const start = systemClock.monotonic();
  try {
    const { threads, messages, skipped } = await asCaller(() =>
      store.conversations.importThreads(file, {
        onProgress: (done) =>
          progress.update(done.threads + done.skipped, `${done.messages} messages imported`),
      }),
    ).finally(() => progress.end());
    const duration = Math.round(systemClock.monotonic() - start);
    cli.output.line(
      `Imported ${threads} threads with ${messages} messages into ${label} in ${duration} ms; ${skipped} were there already.`,
    );
    cli.output.document({ database: label, threads, messages, skipped, duration });
  } catch (error) {
    throw file.locate(error);
  } finally {
    await store.close();
  }
}
