import { keptNote, rawOf, type LegacyNote, type LegacyReason } from './legacy-note.ts';

/** Before this a number means seconds: in ms it would be March 1973. */
const earliestMillis = 1e11;
/** The last moment that a Date knows, in ms. */
const latestMillis = 8.64e15;

const number = /^[+-]?\d{1,20}(?:\.\d{1,9})?$/;
const isoTime = /^\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:Z|[+-]\d{2}:?\d{2})?)?$/;

interface FoundTime {
  readonly time: number | undefined;
  /** Why it is not the time as it stood there; undefined where it is. */
  readonly reason: LegacyReason | undefined;
}

/**
 * Reads a time of the legacy database, which is to be a whole number of ms since the Unix epoch. Seconds, and texts that
 * say a number or a time of ISO 8601 (UTC where they name no zone), are understood as what they mean.
 *
 * @param value anything
 * @param fallback what counts where the value says no time
 * @param place of the value
 * @param notes are told where it was no time of the right form
 * @param terms `isSecret` keeps the value out of the notes
 */
export function readLegacyTime<Fallback extends number | undefined>(
  value: unknown,
  fallback: Fallback,
  place: string,
  notes: LegacyNote[],
  { isSecret = false }: { readonly isSecret?: boolean } = {},
): number | Fallback {
  const { time, reason } = findTime(value);
  if (reason !== undefined) notes.push(keptNote(place, reason, isSecret ? null : rawOf(value)));
  return time ?? fallback;
}

function findTime(value: unknown): FoundTime {
  if (typeof value === 'number') return timeOfNumber(value);
  if (value === null || value === undefined) return { time: undefined, reason: 'time-is-missing' };
  if (typeof value !== 'string') return { time: undefined, reason: 'time-is-unreadable' };
  const { time } = timeOfText(value.trim());
  return { time, reason: time === undefined ? 'time-is-unreadable' : 'time-is-text' };
}

function timeOfNumber(value: number): FoundTime {
  if (value < 0) return { time: undefined, reason: 'time-is-negative' };
  const isSeconds = value > 0 && value < earliestMillis;
  const time = Math.floor(isSeconds ? value * 1_000 : value);
  if (!(time <= latestMillis)) return { time: undefined, reason: 'time-is-unreadable' };
  if (isSeconds) return { time, reason: 'time-in-seconds' };
  return { time, reason: time === value ? undefined : 'time-is-not-whole' };
}

function timeOfText(text: string): Pick<FoundTime, 'time'> {
  if (number.test(text)) return timeOfNumber(Number(text));
  if (!isoTime.test(text)) return { time: undefined };
  const hasZone = text.length <= 10 || /(?:Z|[+-]\d{2}:?\d{2})$/.test(text.slice(10));
  return timeOfNumber(toMillis(hasZone ? text : `${text}Z`));
}

/** A time before 1970 is as little one of the application as a negative number is. */
function toMillis(text: string): number {
  const time = Date.parse(text);
  return Number.isNaN(time) ? -1 : time;
}
