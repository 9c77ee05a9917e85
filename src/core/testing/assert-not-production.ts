import { ConfigurationError } from '../foundation/errors/configuration-error.ts';

/**
 * Refuses to go on where the process says that it is in production: what this door gives makes tables, undoes
 * work and breaks connections on purpose. Called when the door is loaded, and again by everything behind it, since
 * a bundler may drop the first call.
 *
 * @param environment the value of `NODE_ENV`; that of the process by default
 * @throws ConfigurationError where it is `production`
 * @example
 * assertNotProduction(); // before a script of your own that fills tables
 */
export function assertNotProduction(environment: string | undefined = process.env['NODE_ENV']): void {
  if (environment !== 'production') return;
  throw new ConfigurationError(
    'liminal-data/testing was loaded with NODE_ENV=production. It is for tests alone: import it from test code, or set NODE_ENV to something else.',
  );
}

assertNotProduction();
