import type { ContenderName } from '../contender-list.ts';
import type { ContenderOptions } from '../contender.ts';
import type { ChatScale } from '../workload/chat-data.ts';

/** What a contender's process is started with. */
export interface ContenderJob {
  readonly contender: ContenderName;
  readonly options: ContenderOptions;
  readonly scale: ChatScale;
}

/** What the parent asks of a contender's process; each request has one reply. */
export type Request =
  | { readonly kind: 'answers' }
  /** @property duration how long a round shall take, in ms */
  | { readonly kind: 'calibrate'; readonly task: string; readonly duration: number }
  | { readonly kind: 'round'; readonly task: string; readonly calls: number }
  | { readonly kind: 'memory' }
  | { readonly kind: 'close' };

/** One round of a task. */
export interface Round {
  /** Per call, in ms. */
  readonly time: number;
  /** The 99th percentile of the calls that the task watches, in ms; absent where it watches none. */
  readonly p99?: number;
}

/** What comes back for each request. */
export interface Replies {
  readonly answers: readonly string[];
  /** How many calls a round has; 0 where the contender cannot do the task. */
  readonly calibrate: number;
  readonly round: Round;
  /** Resident memory of the process, in bytes. */
  readonly memory: number;
  readonly close: null;
}

/** A reply, or what went wrong. */
export type Reply = { readonly value: Replies[keyof Replies] } | { readonly fault: string };
