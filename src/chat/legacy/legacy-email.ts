import { ValidationError } from '../../core/index.ts';
import { EmailAddress } from '../account/email-address.ts';

/** Takes a value as an e-mail address. @returns undefined where it is none */
export function findEmail(value: unknown): EmailAddress | undefined {
  try {
    return EmailAddress.parse(value);
  } catch (error) {
    if (error instanceof ValidationError) return undefined;
    throw error;
  }
}
