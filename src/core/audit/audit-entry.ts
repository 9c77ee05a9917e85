import type { Actor } from '../foundation/actor-context.ts';
import { decodeJson } from '../query/json-text.ts';
import type { FieldChange } from './audit-event.ts';
import type { ChainRow } from './chain-row.ts';

/** Who did something. */
export interface AuditActor {
  /** A person, another program, or the application itself. */
  readonly type: Actor['type'];
  /** The actor's id; undefined where it has none. */
  readonly id: string | undefined;
}

/** What something was done to. */
export interface AuditEntity {
  /** Its kind, such as `user`. */
  readonly type: string;
  /** Its id; undefined where the event is about the kind as a whole. */
  readonly id: string | undefined;
}

/** An event as it is stored in the trail. */
export interface AuditEntry {
  /** The id of the entry. */
  readonly id: string;
  /** The chain that it belongs to. */
  readonly stream: string;
  /** Its place in the chain, from 1. */
  readonly seq: number;
  /** When it was recorded, in epoch ms by the clock of the process. It decides no order. */
  readonly recordedAt: number;
  /** The tenant in which it was done. */
  readonly tenant: string | undefined;
  /** Who did it; undefined where nobody was known. */
  readonly actor: AuditActor | undefined;
  /** What was done, such as `update`. */
  readonly action: string;
  /** What it was done to. */
  readonly entity: AuditEntity | undefined;
  /** The request in which it was done. */
  readonly requestId: string | undefined;
  /** The trace in which it was done. */
  readonly traceId: string | undefined;
  /** What it changed, field by field; empty where nothing, or where it was erased. */
  readonly changes: readonly FieldChange[];
  /** Why it was done. */
  readonly reason: string | undefined;
  /** What else the application told of it. */
  readonly metadata: Readonly<Record<string, unknown>> | undefined;
  /** Whether changes, reason and metadata were erased. Their digest is left. */
  readonly isErased: boolean;
  /** The hash by which the next entry of its chain refers to it, in hex. */
  readonly hash: string;
}

/** What `content` holds. */
interface StoredContent {
  readonly changes?: readonly FieldChange[];
  readonly reason?: string | null;
  readonly metadata?: Readonly<Record<string, unknown>> | null;
}

/** Reads a row of the trail. Whether it is genuine is for `verify` to say. */
export function entryFromRow(row: ChainRow): AuditEntry {
  const isErased = row.content === null;
  const content = isErased ? {} : (decodeJson(row.content) as StoredContent);
  return {
    id: row.id,
    stream: row.stream,
    seq: row.seq,
    recordedAt: row.recorded_at,
    tenant: row.tenant ?? undefined,
    actor: row.actor_type === null ? undefined : { type: row.actor_type, id: row.actor_id ?? undefined },
    action: row.action,
    entity: row.entity_type === null ? undefined : { type: row.entity_type, id: row.entity_id ?? undefined },
    requestId: row.request_id ?? undefined,
    traceId: row.trace_id ?? undefined,
    changes: content.changes ?? [],
    reason: content.reason ?? undefined,
    metadata: content.metadata ?? undefined,
    isErased,
    hash: row.hash,
  };
}
