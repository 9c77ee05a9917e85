import { everySlot, slotCount } from './stamps.ts';

/** A message that tells of slots: who sends it, and which. What would be too long tells of everything. */
export function writeSlots(source: string, slots: readonly number[], most: number): string {
  const told = slots.length > most ? [everySlot] : slots;
  return `${source} ${told.map((slot) => slot.toString(36)).join(' ')}`;
}

/**
 * Messages that tell of slots together, each of at most so many characters. All of them are ASCII.
 *
 * @returns at least one
 */
export function writeSlotsWithin(source: string, slots: readonly number[], limit: number): readonly string[] {
  const messages: string[] = [];
  let message = source;
  for (const slot of slots) {
    const word = ` ${slot.toString(36)}`;
    if (message.length + word.length > limit) {
      messages.push(message);
      message = source;
    }
    message += word;
  }
  return [...messages, message];
}

/** @returns the slots; undefined where the reader has sent it. Whoever may send may send anything: that tells of everything */
export function readSlots(message: string, own: string): readonly number[] | undefined {
  const [source, ...told] = message.split(' ');
  if (source === own) return undefined;
  const slots = told.map((slot) => Number.parseInt(slot, 36));
  const isSound = slots.length > 0 && slots.every((slot) => slot >= 0 && slot < slotCount);
  return isSound ? slots : [everySlot];
}
