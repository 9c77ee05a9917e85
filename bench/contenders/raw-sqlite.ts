import {
  requireOneRow,
  type Contender,
  type MessageFilter,
  type MessageRow,
  type SqliteOptions,
  type ThreadRow,
} from '../contender.ts';
import { openFile } from './sqlite-file.ts';

const messageColumns = 'id, thread_id, seq, role, content, status, metadata, version, created_at';
const threadColumns = 'id, owner_id, source_id, title, metadata, next_seq, version, created_at, updated_at';

/** better-sqlite3 with statements written by hand and prepared once. */
export async function open(options: SqliteOptions): Promise<Contender> {
  const database = openFile(options);
  const message = database.prepare<[string], MessageRow>(
    `select ${messageColumns} from messages where id = ?`,
  );
  const thread = database.prepare<[string], ThreadRow>(
    `select ${threadColumns} from context_threads where id = ?`,
  );
  const latest = database.prepare<[string], MessageRow>(
    `select ${messageColumns} from messages where thread_id = ? order by seq desc limit 50`,
  );
  const page = database.prepare<[string, number, string], ThreadRow>(
    `select ${threadColumns} from context_threads where owner_id = ? and (updated_at, id) < (?, ?)
     order by updated_at desc, id desc limit 20`,
  );
  const insert = database.prepare(
    `insert into messages (${messageColumns}) values (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const update = database.prepare(
    `update context_threads set title = ?, next_seq = ?, updated_at = ?, version = ?
     where id = ? and version = ?`,
  );
  const filters = new Map(
    ['', ' and role = ?'].flatMap((role) =>
      ['', ' and created_at >= ?'].flatMap((since) =>
        ['', ' and status in (?, ?)'].map((status) => {
          const shape = `${role}${since}${status}`;
          const text = `select ${messageColumns} from messages where thread_id = ?${shape}
            order by seq desc limit 20`;
          return [shape, database.prepare<unknown[], MessageRow>(text)] as const;
        }),
      ),
    ),
  );

  const insertMessage = (row: MessageRow) => {
    const { id, thread_id, seq, role, content, status, metadata, version, created_at } = row;
    insert.run(id, thread_id, seq, role, content, status, metadata, version, created_at);
  };
  const updateThread = ({ id, title, next_seq, updated_at, version }: ThreadRow) => {
    requireOneRow(update.run(title, next_seq, updated_at, version + 1, id, version).changes);
  };
  const insertMessages = database.transaction((rows: readonly MessageRow[]) => {
    for (const row of rows) insertMessage(row);
  });
  const append = database.transaction((row: MessageRow, changed: ThreadRow) => {
    insertMessage(row);
    updateThread(changed);
  });
  const filterMessages = ({ threadId, role, since, statuses }: MessageFilter) => {
    let shape = '';
    const parameters: unknown[] = [threadId];
    if (role !== undefined) {
      shape += ' and role = ?';
      parameters.push(role);
    }
    if (since !== undefined) {
      shape += ' and created_at >= ?';
      parameters.push(since);
    }
    if (statuses !== undefined) {
      shape += ' and status in (?, ?)';
      parameters.push(...statuses);
    }
    return filters.get(shape)!.all(...parameters);
  };

  return {
    findMessage: async (id) => message.get(id),
    readThread: async (id) => ({ thread: thread.get(id), messages: latest.all(id) }),
    pageThreads: async ({ ownerId, updatedAt, id }) => page.all(ownerId, updatedAt, id),
    filterMessages: async (filter) => filterMessages(filter),
    insertMessage: async (row) => insertMessage(row),
    insertMessages: async (rows) => insertMessages.immediate(rows),
    renameThread: async (changed) => updateThread(changed),
    appendMessage: async (row, changed) => append.immediate(row, changed),
    close: async () => void database.close(),
  };
}
