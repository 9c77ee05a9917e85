import { ValidationError } from '../../core/index.ts';
import type { ModelRequest, ReplyModel } from './reply-model.ts';

/**
 * Asks a model and reads what it says to its end. When the request's signal fires it stops at once, whether or
 * not the model listens to it.
 *
 * @param take is given each piece; what it throws ends the reading as well
 * @throws what the model throws, the signal's reason, and ValidationError where a piece is no text
 */
export async function readChunks(
  model: ReplyModel,
  request: ModelRequest,
  take: (chunk: string) => void,
): Promise<void> {
  const { signal } = request;
  const answer = await unlessAborted(signal, ask(model, request));
  if (typeof answer === 'string') {
    take(answer);
    return;
  }
  const chunks = requireStream(answer)[Symbol.asyncIterator]();
  let isDone = false;
  try {
    for (;;) {
      const { done, value } = await unlessAborted(signal, chunks.next());
      isDone = done === true;
      if (isDone) return;
      take(requireText(value));
    }
  } finally {
    if (!isDone) void letGo(chunks);
  }
}

/** A model that throws before its first await rejects like any other. */
async function ask(model: ReplyModel, request: ModelRequest): Promise<AsyncIterable<string> | string> {
  return model(request);
}

async function unlessAborted<Result>(signal: AbortSignal, work: Promise<Result>): Promise<Result> {
  const { promise, reject } = Promise.withResolvers<never>();
  const abort = () => reject(signal.reason as Error);
  signal.addEventListener('abort', abort, { once: true });
  if (signal.aborted) abort();
  try {
    return await Promise.race([promise, work]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

/** Not waited for: a stream that hangs in its next piece hangs in its end as well. */
async function letGo(chunks: AsyncIterator<string>): Promise<void> {
  try {
    await chunks.return?.();
  } catch {
    // What ended the reading is what its caller hears of.
  }
}

function requireStream(answer: AsyncIterable<string>): AsyncIterable<string> {
  if (typeof answer === 'object' && answer !== null && Symbol.asyncIterator in answer) return answer;
  throw new ValidationError([
    { path: ['model'], message: 'must give a text, or an async iterable of texts' },
  ]);
}

function requireText(value: unknown): string {
  if (typeof value === 'string') return value;
  throw new ValidationError([{ path: ['model'], message: 'must yield texts' }]);
}
