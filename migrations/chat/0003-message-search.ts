import type { Kysely } from 'kysely';
import type { ColumnHelpersV1 } from '../column-helpers-v1.ts';

/** The search table of the messages. It starts empty: whoever writes messages writes their tokens. */
export async function up(db: Kysely<unknown>, t: ColumnHelpersV1): Promise<void> {
  await t.createFullTextTable(db, { name: 'message_search', owner: 'message_id', ownerTable: 'messages' });
}

/** Takes back everything that `up` made. */
export async function down(db: Kysely<unknown>, t: ColumnHelpersV1): Promise<void> {
  await t.dropFullTextTable(db, 'message_search');
}
