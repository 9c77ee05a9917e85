import { ConfigurationError } from './errors/configuration-error.ts';

const oldestNode = 22;

/**
 * Refuses a Node that is too old, before a native driver can crash in it (better-sqlite3 13 ends a
 * Node 20 process by a segmentation fault, without a message).
 *
 * @param version such as `22.18.0`; the running one by default
 * @throws ConfigurationError where the major version is below 22
 */
export function assertNodeVersion(version: string = process.versions.node): void {
  if (Number.parseInt(version, 10) >= oldestNode) return;
  throw new ConfigurationError(
    `liminal-data needs Node ${oldestNode} or newer, and this is Node ${version}. Install a current Node and start again.`,
  );
}

assertNodeVersion();
