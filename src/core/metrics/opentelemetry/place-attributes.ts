import type { WatchedDatabase } from '../../foundation/telemetry.ts';
import type { OtelAttributes } from './open-telemetry-api.ts';

/** Says which database it is, by the names of the conventions. What is not known is left out. */
export function placeAttributes({ system, namespace, address, port }: WatchedDatabase): OtelAttributes {
  return {
    'db.system.name': system,
    ...(namespace !== undefined && { 'db.namespace': namespace }),
    ...(address !== undefined && { 'server.address': address }),
    ...(port !== undefined && { 'server.port': port }),
  };
}

/** Names the pool of a database as the conventions advise where nobody has given it a name. */
export function poolName({ system, namespace, address, port }: WatchedDatabase): string {
  if (address === undefined) return namespace ?? system;
  const server = port === undefined ? address : `${address}:${port}`;
  return namespace === undefined ? server : `${server}/${namespace}`;
}
