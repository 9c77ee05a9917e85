import type { Clock } from '../../core/index.ts';
import type { ChatUnitOfWork } from '../chat-unit-of-work.ts';
import { MessageContent } from '../conversation/message-content.ts';
import type { MessageRepository } from '../conversation/message-repository.ts';
import { withContent, type Message } from '../conversation/message.ts';
import type { MessageStatus } from '../conversation/message-status.ts';

/** What an answer is written with. */
export interface DraftParts {
  readonly unitOfWork: ChatUnitOfWork;
  /** Writes the text while it grows. */
  readonly drafts: MessageRepository;
  readonly clock: Clock;
  /** The shortest time between two writes, in ms. */
  readonly writeInterval: number;
}

/**
 * An answer that grows. What comes in is written every so often and not piece by piece: a write stores the whole
 * text so far. Each write states the version of the one before, so that whoever else changes the message ends the
 * growing, and nothing of theirs is overwritten.
 *
 * The search finds the message once it has ended: its words would be counted anew with every write.
 */
export class ReplyDraft {
  readonly #parts: DraftParts;
  readonly #onFailure: (error: unknown) => void;
  #message: Message;
  #text = '';
  #isEnded = false;
  #cancel: (() => void) | undefined;
  #writing: Promise<void> | undefined;

  /**
   * @param message the empty answer as it was read, with the status `streaming`
   * @param onFailure is told where a write failed; nothing more is written then
   */
  constructor(parts: DraftParts, message: Message, onFailure: (error: unknown) => void) {
    this.#parts = parts;
    this.#message = message;
    this.#onFailure = onFailure;
  }

  /**
   * Takes the next piece of the text.
   *
   * @returns the whole text so far
   * @throws ValidationError where the text becomes longer than a message may be
   */
  add(chunk: string): string {
    const text = this.#text + chunk;
    // Here and not at the next write: a model that never ends may leave no turn for one.
    if (text.length > longest) MessageContent.parse(text);
    this.#text = text;
    this.#schedule();
    return text;
  }

  /**
   * Stores the text and how the answer ended.
   *
   * @param status of one that is not complete, what cannot be stored of the text is left out
   * @throws StaleEntityError or NotFoundError where somebody else has changed or deleted the message
   * @throws ValidationError where it is to be complete, and its text is empty or cannot be stored
   */
  async end(status: Extract<MessageStatus, 'complete' | 'error' | 'interrupted'>): Promise<void> {
    this.drop();
    await this.#writing;
    const message = this.#message;
    const text = wholeCharacters(this.#text);
    const content = status === 'complete' || MessageContent.is(text) ? text : message.content;
    // A unit of work asks for the outcome of a commit that was lost, so that no answer is complete and failed.
    await this.#parts.unitOfWork.run(({ conversations }) =>
      conversations.updateMessage(message, { content, status }),
    );
  }

  /** Writes nothing more: whoever begins the answer anew replaces what is there. */
  drop(): void {
    this.#isEnded = true;
    this.#cancel?.();
  }

  #schedule(): void {
    if (this.#isEnded || this.#cancel !== undefined || this.#writing !== undefined) return;
    this.#cancel = this.#parts.clock.schedule(this.#parts.writeInterval, () => {
      this.#cancel = undefined;
      this.#writing = this.#write();
    });
  }

  async #write(): Promise<void> {
    const content = wholeCharacters(this.#text);
    try {
      this.#message = await this.#parts.drafts.update(withContent(this.#message, content));
    } catch (error) {
      this.#isEnded = true;
      this.#onFailure(error);
    }
    this.#writing = undefined;
    if (content !== this.#text) this.#schedule();
  }
}

/** In UTF-16 code units, of which none takes less than a byte. */
const longest = 2 ** 20;

/** A piece may end in the middle of a character, whose other half comes with the next one. */
function wholeCharacters(text: string): string {
  return /[\uD800-\uDBFF]$/.test(text) ? text.slice(0, -1) : text;
}
