import type { LoopBlockListener } from '../foundation/loop-block.ts';
import type { Logger } from '../foundation/logger.ts';
import { quietLogger } from '../foundation/quiet-logger.ts';
import { fingerprint } from './fingerprint.ts';
import { statementText } from './statement-fields.ts';

const readAdvice =
  'Give it an index or a limit, or set connection.workers, whose threads run reads beside the loop.';
const writeAdvice =
  'Write fewer rows at once. connection.workers takes reads off the loop, and leaves it to writes and commits.';

/** Warns of statements that held the event loop, by their fingerprint: a text may hold values. */
export function createLoopBlockLog(logger: Logger): LoopBlockListener {
  const quiet = quietLogger(logger);
  return ({ sql, held, threshold, isRead }) => {
    const { id, text } = fingerprint(sql);
    quiet.warn(
      {
        fingerprint: id,
        query: statementText(text),
        held,
        threshold,
        advice: isRead ? readAdvice : writeAdvice,
      },
      'A statement held the event loop for longer than connection.loopBlockThreshold',
    );
  };
}
