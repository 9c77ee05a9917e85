import { openChatStore } from '../chat/index.ts';
import { systemClock, type DatabaseProvider } from '../core/index.ts';
import { KeyRing } from '../core/security/index.ts';
import { asCaller } from './audit-options.ts';
import type { Cli } from './cli.ts';
import { ConversationFile } from './conversation-file.ts';
import { chooseDatabase, withProvider, type DatabaseOptions } from './open-database.ts';
import { createProgress } from './progress.ts';
import { hasAuditTrail } from './recorded-work.ts';
import { requireKeyOfTrail } from './require-key-of-trail.ts';

/**
 * Imports a file into the chat store, whose tables are brought up to date first.
 *
 * @param cli where it reports
 * @param options which database
 * @param path of the file
 * @throws ValidationError where the file cannot be read, or a conversation in it breaks a rule: it names the
 *   line, and what was committed before that line stays
 * @throws ConfigurationError where there is an audit trail and its key is not given; nothing was changed
 */
export async function importConversations(cli: Cli, options: DatabaseOptions, path: string): Promise<void> {
  const { database, label } = await chooseDatabase(cli, options);
  // Where others record what they do, what is imported must not come in unseen.
  const keys = await withProvider(database, (provider) => keysOfTrail(cli, provider));
  const store = await openChatStore({ database, ...(keys && { audit: { keys } }) });
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

/** @returns undefined where there is no audit trail */
async function keysOfTrail({ env }: Cli, provider: DatabaseProvider<unknown>): Promise<KeyRing | undefined> {
  if (!(await hasAuditTrail(provider))) return undefined;
  const keys = KeyRing.fromEnv(env);
  await requireKeyOfTrail(provider, keys);
  return keys;
}
