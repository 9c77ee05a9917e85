import type { LiminalDataError } from '../foundation/errors/liminal-data-error.ts';

/** Turns an error of a driver into one of this library. Pure; it decides by the driver's own code. */
export type TranslateError = (error: unknown) => LiminalDataError;
