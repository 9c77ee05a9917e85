import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs';

/** What others may do with a file, and whether its group may change it. */
const tooOpen = 0o027;

// Never its path: that may be the secret itself, put into the wrong place, and base64 may look like a path.
const itsFile = 'the file that it names';

/** Why a file was not taken. It repeats neither what is in the file nor its path; who asked for it is named beside. */
export class SecretFileFault extends Error {}

/**
 * Reads a secret from a file that only its owner and its group may read. One newline at its end is not part of it.
 * On Windows, where files have no such mode, that is not checked.
 *
 * @param file its path
 * @throws SecretFileFault where it cannot be read, or others may read it
 */
export function readSecretFile(file: string): string {
  return readOpened(file, (descriptor) => {
    // Of the open file, so that nobody can put another one in its place in between.
    const { mode } = fstatSync(descriptor);
    if (process.platform === 'win32' || (mode & tooOpen) === 0) return;
    throw new SecretFileFault(
      `${itsFile} is open to others (mode ${(mode & 0o777).toString(8)}); let its owner alone read it (chmod 400), or its group too (chmod 440)`,
    );
  });
}

/**
 * Reads text that is no secret in the same way, whatever the mode of the file.
 *
 * @param file its path
 * @throws SecretFileFault where it cannot be read
 */
export function readTextFile(file: string): string {
  return readOpened(file, () => {});
}

function readOpened(file: string, check: (descriptor: number) => void): string {
  try {
    const descriptor = openSync(file, 'r');
    try {
      check(descriptor);
      return readFileSync(descriptor, 'utf8').replace(/\r?\n$/, '');
    } finally {
      closeSync(descriptor);
    }
  } catch (error) {
    if (error instanceof SecretFileFault) throw error;
    const code = error instanceof Error && 'code' in error ? ` (${String(error.code)})` : '';
    throw new SecretFileFault(`${itsFile} cannot be read${code}`);
  }
}
