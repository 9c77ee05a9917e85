/** Models of the tests: each speaks when it is told to. */
import type { ModelRequest, ReplyModel } from '../../../src/chat/index.ts';

/** A model that says the pieces that it is fed, and what it was asked. */
export interface FedModel {
  readonly model: ReplyModel;
  readonly requests: readonly ModelRequest[];
  /** Resolves when it has been asked as often as that. */
  asked(times?: number): Promise<void>;
  /** Says a piece. */
  say(piece: string): void;
  /** Ends the answer. */
  end(): void;
  /** Breaks off. */
  fail(error: unknown): void;
}

type Piece = { readonly text: string } | { readonly error: unknown } | undefined;

export function feedModel(): FedModel {
  const requests: ModelRequest[] = [];
  const pieces: Piece[] = [];
  let wake = Promise.withResolvers<void>();
  const change = (): void => {
    wake.resolve();
    wake = Promise.withResolvers<void>();
  };
  async function* model(request: ModelRequest): AsyncGenerator<string> {
    requests.push(request);
    change();
    for (;;) {
      while (pieces.length === 0) await wake.promise;
      const piece = pieces.shift();
      if (piece === undefined) return;
      if ('error' in piece) throw piece.error;
      yield piece.text;
    }
  }
  const feed = (piece: Piece): void => {
    pieces.push(piece);
    change();
  };
  return {
    model,
    requests,
    async asked(times = 1) {
      while (requests.length < times) await wake.promise;
    },
    say: (text) => feed({ text }),
    end: () => feed(undefined),
    fail: (error) => feed({ error }),
  };
}

/** A model that says all of it at once. */
export function sayAll(...pieces: readonly string[]): ReplyModel {
  return async function* speak() {
    yield* pieces;
  };
}
