/** What the tests of reading and keeping the trail share: a trail with a clock of its own, and events at random. */
import { AuditLog, type AuditEntry, type AuditEvent } from '../../../src/core/audit/index.ts';
import type { AuditTables } from '../../../src/core/audit/audit-tables.ts';
import type { DatabaseProvider } from '../../../src/core/index.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { integerBetween, type Random } from '../../support/seeded-random.ts';
import { auditKeys, openAuditDatabase } from './audit-fixture.ts';

export interface TestTrail extends AsyncDisposable {
  readonly provider: DatabaseProvider<AuditTables>;
  readonly log: AuditLog;
  readonly clock: FakeClock;
  /** Records events, each in a transaction of its own, and one ms apart. */
  record(...events: readonly AuditEvent[]): Promise<void>;
  /** Every entry, the oldest first. */
  entries(): Promise<AuditEntry[]>;
}

export async function openTrail(url: string): Promise<TestTrail> {
  const provider = await openAuditDatabase(url);
  const clock = new FakeClock();
  const log = new AuditLog(provider, { keys: auditKeys(), clock });
  return {
    provider,
    log,
    clock,
    async record(...events) {
      for (const event of events) {
        clock.advance(1);
        await provider.transaction((tx) => log.record(tx, event));
      }
    },
    entries: () => gather(log.entries()),
    [Symbol.asyncDispose]: () => provider.close(),
  };
}

export async function gather<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const gathered: Item[] = [];
  for await (const item of items) gathered.push(item);
  return gathered;
}

export function pick<Item>(random: Random, items: readonly Item[]): Item {
  return items[integerBetween(random, 0, items.length)]!;
}

/** Names that few events have in common with others. */
export const people = ['ann', 'ben', 'eve', 'system-1'] as const;
export const types = ['user', 'order', 'note'] as const;
const reasons = ['said "so"', 'a\nline', 'Grüße 🌱', '=1+1', undefined];

/** An event at random, by and about any of a few people and things. */
export function randomEvent(random: Random): AuditEvent {
  const actor =
    random() < 0.2
      ? null
      : ({ type: random() < 0.8 ? 'user' : 'service', id: pick(random, people) } as const);
  const hasEntity = random() < 0.9;
  return {
    action: pick(random, ['create', 'update', 'delete', 'reveal']),
    actor,
    tenant: random() < 0.3 ? pick(random, ['acme', 'zeta']) : null,
    ...(hasEntity && {
      entity: { type: pick(random, types), ...(random() < 0.9 && { id: pick(random, people) }) },
    }),
    ...(random() < 0.7 && {
      changes: [{ field: 'name', old: random(), new: pick(random, reasons) ?? null }],
    }),
    reason: pick(random, reasons),
    ...(random() < 0.3 && { requestId: pick(random, ['r1', 'r2']) }),
    ...(random() < 0.3 && { metadata: { note: pick(random, reasons) ?? 'none' } }),
  };
}
