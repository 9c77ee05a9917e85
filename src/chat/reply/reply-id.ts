import { newId } from '../../core/domain/index.ts';
import type { MessageId } from '../ids.ts';

/**
 * The id of a reply: a new one, or the one that its idempotency key stands for, in every process. That is a UUID of
 * version 8 (RFC 9562, section 5.8) whose bits are those of a SHA-256.
 */
export async function replyIdOf(idempotencyKey: string | undefined): Promise<MessageId> {
  if (idempotencyKey === undefined) return newId<MessageId>();
  const text = new TextEncoder().encode(`chat-reply:${idempotencyKey}`);
  const bytes = new Uint8Array(await crypto.subtle.digest('SHA-256', text)).subarray(0, 16);
  const view = new DataView(bytes.buffer);
  view.setUint8(6, (view.getUint8(6) & 0x0f) | 0x80);
  view.setUint8(8, (view.getUint8(8) & 0x3f) | 0x80);
  const hex = Buffer.from(bytes).toString('hex');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-') as MessageId;
}
