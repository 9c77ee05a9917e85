import { systemClock, type Clock } from '../core/index.ts';
import type { TextStream } from './output.ts';

/** What a progress display shows. */
export interface ProgressOptions {
  readonly stream: TextStream;
  /** What is counted, such as `threads`. */
  readonly unit: string;
  /** How many there will be, where that is known. */
  readonly total?: number;
  readonly clock?: Clock;
}

/** Shows how far some work is. */
export interface Progress {
  /** Says how many are done, and something about them. */
  update(done: number, detail: string): void;
  /** Leaves the line to whoever prints next. */
  end(): void;
}

const barWidth = 30;
const repaintEvery = 50;
const lineEvery = 1000;

/** A bar that is painted over itself on a terminal; elsewhere a plain line each second at most. */
export function createProgress({ stream, unit, total, clock = systemClock }: ProgressOptions): Progress {
  const onTerminal = stream.isTTY === true;
  const every = onTerminal ? repaintEvery : lineEvery;
  let printedAt = onTerminal ? Number.NEGATIVE_INFINITY : clock.monotonic();
  let latest: string | undefined;
  const print = (): void => {
    if (latest === undefined) return;
    stream.write(onTerminal ? `\r\u001B[2K${latest}` : `${latest}\n`);
    latest = undefined;
    printedAt = clock.monotonic();
  };
  return {
    update(done, detail) {
      const count = total === undefined ? `${done} ${unit}` : `${done}/${total} ${unit}`;
      const bar = onTerminal && total !== undefined ? `${paintBar(done / total)} ` : '';
      latest = `${bar}${count}, ${detail}`;
      if (clock.monotonic() - printedAt >= every) print();
    },
    end() {
      print();
      if (onTerminal) stream.write('\n');
    },
  };
}

function paintBar(part: number): string {
  const filled = Math.round(Math.min(1, Math.max(0, part)) * barWidth);
  return `[${'#'.repeat(filled)}${'.'.repeat(barWidth - filled)}]`;
}
