/** What a network can do to the bytes of one direction. Each is made anew for each line of a `TcpProxy`. */
import { randomBytes } from 'node:crypto';

/** A line as a toxic sees it, in one direction. */
export interface ToxicLine {
  /** Hands data on to whom it was meant for. */
  pass(data: Uint8Array): void;
  /** Says to whom it was meant for that nothing more comes (FIN); the other direction stays open. */
  endHere(): void;
  /** Closes both sides. */
  cut(): void;
  /** Resets both sides (RST). */
  reset(): void;
  /** Waits, in ms; not longer than until the proxy is healed. */
  wait(duration: number): Promise<void>;
}

/** Does something with data that arrived, and is not called again before it is through. */
export type Toxic = (data: Buffer, line: ToxicLine) => void | Promise<void>;

/** Makes a toxic for one line. */
export type ToxicMaker = () => Toxic;

/** Everything comes later, by `latency` ± `jitter` ms, and in its order. */
export function delayed(latency: number, jitter = 0): ToxicMaker {
  return () => async (data, line) => {
    await line.wait(latency + (Math.random() * 2 - 1) * jitter);
    line.pass(data);
  };
}

/** Everything comes in pieces of one byte. */
export function sliced(): ToxicMaker {
  return () => async (data, line) => {
    for (let at = 0; at < data.length; at += 1) {
      line.pass(data.subarray(at, at + 1));
      // Two writes of one turn would travel as one piece.
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
}

/** No more than so many bytes come each second. */
export function throttled(bytesPerSecond: number): ToxicMaker {
  const piece = Math.max(1, Math.floor(bytesPerSecond / 50));
  return () => async (data, line) => {
    for (let at = 0; at < data.length; at += piece) {
      await line.wait(20);
      line.pass(data.subarray(at, at + piece));
    }
  };
}

/** The line is reset once so many bytes have come, in the midst of whatever is said then. */
export function resetAfter(bytes: number): ToxicMaker {
  return () => endsAfter(bytes, (line) => line.reset());
}

/** The sender seems to hang up once so many bytes have come; what the receiver says still arrives. */
export function halfClosedAfter(bytes: number): ToxicMaker {
  return () => endsAfter(bytes, (line) => line.endHere());
}

/** Noise comes in front of what was said. */
export function noisy(bytes: number): ToxicMaker {
  return () => {
    let isNoisy = false;
    return (data, line) => {
      if (!isNoisy) line.pass(randomBytes(bytes));
      isNoisy = true;
      line.pass(data);
    };
  };
}

/**
 * A new connection to Postgres is held back in the midst of being made, as long as the test wants; then it stands,
 * and nothing more is said on it.
 */
export function holdingBack() {
  const begun = Promise.withResolvers<void>();
  const allowed = Promise.withResolvers<void>();
  const silent = Promise.withResolvers<void>();
  // ReadyForQuery, outside of a transaction: the last word of the server at connecting.
  const ready = Buffer.from('Z\0\0\0\x05I', 'latin1');
  const maker: ToxicMaker = () => {
    let stands = false;
    return async (data, line) => {
      begun.resolve();
      await allowed.promise;
      if (stands) return;
      line.pass(data);
      stands = data.includes(ready);
      if (stands) silent.resolve();
    };
  };
  return {
    maker,
    /** The server has said its first word. */
    hasBegun: begun.promise,
    letConnect: () => allowed.resolve(),
    /** The connection stands. */
    isSilent: silent.promise,
  };
}

/** The type of the messages by which a client of Postgres shows who it is. */
const passwordMessage = 'p'.charCodeAt(0);

/**
 * What was said passes up to a pattern, and the line is cut in its place. The pattern may come in several
 * pieces.
 *
 * @param pattern such as the server's word that it has committed
 * @param strikes asked each time that the pattern comes, whether to cut
 */
export function cutAt(pattern: string | Buffer, strikes: () => boolean): ToxicMaker {
  const sought = Buffer.from(pattern);
  return () => {
    let held = Buffer.alloc(0);
    return (data, line) => {
      // What a client shows to be let in ends with random letters, and nothing follows until it is answered.
      if (held.length === 0 && data[0] === passwordMessage) {
        line.pass(data);
        return;
      }
      const text = Buffer.concat([held, data]);
      let from = 0;
      for (let at = text.indexOf(sought); at !== -1; at = text.indexOf(sought, at + sought.length)) {
        if (!strikes()) {
          from = at + sought.length;
          continue;
        }
        if (at > 0) line.pass(text.subarray(0, at));
        line.cut();
        return;
      }
      const passing = text.length - startAtEnd(text.subarray(from), sought);
      if (passing > 0) line.pass(text.subarray(0, passing));
      held = text.subarray(passing);
    };
  };
}

/** How much of a pattern stands at the end of a text. */
function startAtEnd(text: Buffer, pattern: Buffer): number {
  for (let length = Math.min(pattern.length - 1, text.length); length > 0; length -= 1) {
    if (text.subarray(text.length - length).equals(pattern.subarray(0, length))) return length;
  }
  return 0;
}

function endsAfter(bytes: number, end: (line: ToxicLine) => void): Toxic {
  let left = bytes;
  return (data, line) => {
    if (left <= 0) return;
    line.pass(data.subarray(0, left));
    left -= data.length;
    if (left <= 0) end(line);
  };
}
