import type { ConfigSection } from './config-section.ts';
import type { EngineConfig } from './engine-config.ts';
import { findNearestName } from './nearest-name.ts';

/** Databases that people ask for and that have no engine yet. The only words from outside that a fault repeats. */
const unsupported = ['mysql', 'mariadb', 'mssql', 'sqlserver', 'oracle', 'mongodb'];

/**
 * Finds the engine that a `type` names.
 *
 * @returns undefined where there is none; the section has the fault then
 */
export function pickByType(
  section: ConfigSection,
  engines: readonly EngineConfig[],
): EngineConfig | undefined {
  const type = section.value('type');
  const found = engines.find((engine) => engine.type === type);
  if (found !== undefined) return found;
  const names = [...new Set(engines.map((engine) => engine.type))];
  if (type === undefined) section.fault('type', `is missing; give one of ${names.join(', ')}, or a url`);
  else section.fault('type', describeUnknown(type, names));
  return undefined;
}

/**
 * Finds the engine that a URL's scheme names.
 *
 * @returns a fault, which never repeats the URL, where there is none
 */
export function pickByScheme(url: string, engines: readonly EngineConfig[]): EngineConfig | string {
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(url)?.[1]?.toLowerCase();
  const found = engines.find(({ schemes }) => schemes.some((candidate) => candidate === scheme));
  if (found !== undefined) return found;
  const schemes = [...new Set(engines.flatMap((engine) => engine.schemes))].map((name) => `${name}:`);
  if (scheme !== undefined && unsupported.includes(scheme)) return describeUnknown(scheme, schemes);
  return `must be a URL that begins with one of ${schemes.join(', ')}`;
}

function describeUnknown(asked: unknown, names: readonly string[]): string {
  const list = names.join(', ');
  const name = typeof asked === 'string' ? asked.toLowerCase() : '';
  if (unsupported.includes(name)) return `${name} is not supported yet; use one of ${list}`;
  const nearest = findNearestName(name, names);
  return `must be one of ${list}${nearest === undefined ? '' : `; did you mean ${nearest}?`}`;
}
