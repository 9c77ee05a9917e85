/**
 * How long callers of a stand-alone dialect wait where nothing is said. Kysely's own dialects let everybody wait for
 * ever: who replaces them should not fail where they only had to wait, nor hang where they never came to an end.
 */
export const patientPool = { acquireTimeout: 60_000, maxWaiting: 1_000_000 } as const;
