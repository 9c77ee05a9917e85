import type { Issue } from '../foundation/issue.ts';
import { Secret } from '../foundation/secret.ts';
import { expandUrl } from './config-url.ts';
import type { EngineConfig } from './engine-config.ts';
import { isPlainObject } from './plain-object.ts';
import { readPostgresUrl } from './postgres-url.ts';
import { TextSetting } from './text-setting.ts';

/** The URL of a replica is read as that of its primary. */
const replicaUrl: EngineConfig = {
  type: 'postgres',
  schemes: ['postgres', 'postgresql'],
  fromUrl: readPostgresUrl,
  parseConnection: () => ({}),
};

/**
 * Makes the settings of a replica of what was written for it: a URL is spread out, and anything else comes
 * back as it is.
 *
 * @param item a URL, as text or as a secret, or an object
 * @param path where it stands
 * @param issues where faults are collected; none repeats a part of the URL
 */
export function expandReplica(item: unknown, path: Issue['path'], issues: Issue[]): unknown {
  const url = toUrl(item, path);
  if (url === undefined) return item;
  const { settings } = expandUrl({ url }, [replicaUrl], issues);
  const { type: _, connection, pool, ...others } = isPlainObject(settings) ? settings : {};
  if (Object.keys({ ...others, ...(isPlainObject(pool) ? pool : {}) }).length > 0) {
    const message = 'may only say where the replica is; its pool is as the primary’s';
    issues.push({ path: url.path, message });
  }
  return connection ?? {};
}

function toUrl(item: unknown, path: Issue['path']): TextSetting | undefined {
  if (item instanceof TextSetting) return item;
  const text = item instanceof Secret ? item.reveal() : item;
  return typeof text === 'string' ? new TextSetting(text, path) : undefined;
}
