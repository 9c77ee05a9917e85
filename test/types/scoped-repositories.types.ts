/** What must not compile of scoped repositories and allow-lists; `tsc` is the test. */
import type { Repository } from '../../src/core/index.ts';
import { parseListQuery, scoped, type ListRules } from '../../src/core/security/index.ts';

interface NotesTable {
  id: string;
  owner_id: string | null;
  size: number;
}
interface Tables {
  notes: NotesTable;
}

declare const notes: Repository<Tables, 'notes', NotesTable>;

const mine = scoped(notes, { column: 'owner_id' });
void mine.findMany({ size: { gt: 1 } }, { select: ['id'] }).then(([row]) => row?.id);

// @ts-expect-error a table without the column cannot be scoped by it
scoped(notes, { column: 'user_id' });
// @ts-expect-error a number is no actor
scoped(notes, { column: 'size' });
// @ts-expect-error the way past the border is not offered
void mine.rebind;

const rules: ListRules<NotesTable, 'id'> = { select: ['id'], sort: ['size'] };
const { filter, find, page, select } = parseListQuery(rules, {});
void mine.findMany(filter, { ...find, select }).then(([row]) => row?.id);
void mine.page(filter, page);
// @ts-expect-error what may not be selected is not there
void mine.findMany(filter, { ...find, select }).then(([row]) => row?.size);

// @ts-expect-error a column that the table does not have cannot be allowed
export const wrong: ListRules<NotesTable> = { sort: ['owner'] };
