import type { Kysely } from 'kysely';
import type { Clock } from '../foundation/clock.ts';
import type { MacKeys } from '../foundation/mac-keys.ts';
import type { AuditEvent } from './audit-event.ts';
import type { AuditProvider } from './audit-provider.ts';

/** What holds, erasures, purges and reports need of the log that they belong to. */
export interface TrailKeeper {
  readonly provider: AuditProvider;
  readonly keys: MacKeys;
  readonly clock: Clock;
  /** Records what was done to the trail itself, in the transaction that does it. */
  record(tx: Kysely<never>, event: AuditEvent): Promise<void>;
}
