/** What audited repositories refuse at compile time. */
import { audited, auditedTarget, type AuditLog } from '../../src/core/audit/index.ts';
import type { DatabaseProvider, Repository } from '../../src/core/index.ts';

interface Tables {
  users: { id: string; email: string; version: number };
  posts: { id: string; user_id: string };
}
interface User {
  readonly id: string;
  readonly email: string;
}

declare const users: Repository<Tables, 'users', User>;
declare const posts: Repository<Tables, 'posts', { readonly id: string }>;
declare const provider: DatabaseProvider<Tables>;
declare const log: AuditLog;

const told: Repository<Tables, 'users', User> = audited(users, {
  log,
  entity: 'user',
  mask: ['email'],
  ignore: ['version'],
  cascades: [{ of: posts, column: 'user_id', entity: 'post' }],
});
void told;

// The target keeps what transactions take.
void auditedTarget(provider, { log, entity: 'user' }).transaction(async () => 1, { readOnly: false });

// @ts-expect-error there is no such column to mask
audited(users, { log, entity: 'user', mask: ['mail'] });
// @ts-expect-error there is no such column to ignore
audited(users, { log, entity: 'user', ignore: ['updated_at'] });
// @ts-expect-error what a row is to the reader of the trail must be said
audited(users, { log });
// @ts-expect-error without a log nothing is recorded
audited(users, { entity: 'user' });
