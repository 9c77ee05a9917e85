import type { AuditFilter } from './audit-filter.ts';

/** What a hold keeps: all that is said must hold of an entry. `{}` keeps the whole trail. */
export type HoldScope = Pick<AuditFilter, 'actor' | 'entity' | 'stream' | 'tenant'>;

/** A legal hold: what it keeps is neither purged nor erased until it is released. */
export interface LegalHold {
  /** The id of the hold. */
  readonly id: string;
  /** What it keeps. */
  readonly what: HoldScope;
  /** Why, such as the name of a case. */
  readonly reason: string;
  /** When it was placed, in epoch ms. */
  readonly placedAt: number;
  /** The id of who placed it; undefined where nobody was known. */
  readonly placedBy: string | undefined;
  /** When it was released, in epoch ms; undefined while it holds. */
  readonly releasedAt: number | undefined;
  /** The id of who released it. */
  readonly releasedBy: string | undefined;
}
