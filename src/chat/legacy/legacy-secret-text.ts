import { ValidationError, type Secret } from '../../core/index.ts';
import { parseSecret } from '../account/chat-secrets.ts';

/** Takes a text as a secret that can be stored. @returns undefined where it is none */
export function findSecret(text: string): Secret | undefined {
  // What was no UTF-8 has become a replacement character on the way.
  if (text.includes('\uFFFD') || text.includes('\0')) return undefined;
  try {
    return parseSecret(text, 'secret');
  } catch (error) {
    if (error instanceof ValidationError) return undefined;
    throw error;
  }
}
