import { ValidationError } from '../foundation/errors/validation-error.ts';
import type { CopyOptions } from './copy-options.ts';

/** @throws ValidationError with all that is wrong with the options */
export function checkCopyOptions({ badRows = 'stop', resume = false, verify = true }: CopyOptions): void {
  const issues = [
    ...(['stop', 'quarantine'].includes(badRows)
      ? []
      : [{ path: ['badRows'], message: 'must be "stop" or "quarantine"' }]),
    ...Object.entries({ resume, verify }).flatMap(([name, value]) =>
      typeof value === 'boolean' ? [] : [{ path: [name], message: 'must be true or false' }],
    ),
  ];
  if (issues.length > 0) throw new ValidationError(issues);
}
