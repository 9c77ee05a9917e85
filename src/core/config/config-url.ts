import { ValidationError } from '../foundation/errors/validation-error.ts';
import type { Issue } from '../foundation/issue.ts';
import { Secret } from '../foundation/secret.ts';
import type { EngineConfig } from './engine-config.ts';
import { pickByScheme } from './pick-engine.ts';
import { isPlainObject } from './plain-object.ts';
import { TextSetting } from './text-setting.ts';

/** A configuration whose URL, if it had one, is spread out into settings. */
export interface ExpandedConfig {
  /** Settings as if written by hand; what came from the URL is text. */
  readonly settings: unknown;
  /** Whether the URL could not be read, so that what it would have said is missing. */
  readonly urlFailed: boolean;
}

type Path = readonly (string | number)[];
type Settings = Record<string, unknown>;

/** No option lies deeper. A bound, so that a URL of a million dots is a fault and not a stack overflow. */
const deepestOption = 8;

/**
 * Replaces the URL of a configuration by the settings that it stands for.
 *
 * No fault repeats a part of the URL beside the names of its query, and those only when no @ follows them:
 * in `postgres://u:pass?word@host` the question mark was meant to be part of the password.
 *
 * @param input a URL, or an object that may have one as `url`
 * @param issues where faults are collected
 */
export function expandUrl(input: unknown, engines: readonly EngineConfig[], issues: Issue[]): ExpandedConfig {
  if (typeof input === 'string') return readUrl({ text: input, path: ['url'], prefix: [] }, engines, issues);
  if (!isPlainObject(input) || !Object.hasOwn(input, 'url') || input['url'] === undefined) {
    return { settings: input, urlFailed: false };
  }
  const { url, ...beside } = input;
  const source = toSource(url);
  if (source === undefined) {
    issues.push({ path: ['url'], message: 'must be a URL' });
    return { settings: beside, urlFailed: true };
  }
  const { settings, urlFailed } = readUrl(source, engines, issues);
  return { settings: mergeSettings(settings, beside, [], issues), urlFailed };
}

/** A URL, where it was written, and what stands before the paths of its settings. */
interface UrlSource {
  readonly text: string;
  readonly path: Path;
  readonly prefix: Path;
}

function toSource(url: unknown): UrlSource | undefined {
  if (url instanceof TextSetting) return { text: url.text, path: url.path, prefix: url.path };
  const text = url instanceof Secret ? url.reveal() : url;
  return typeof text === 'string' ? { text, path: ['url'], prefix: [] } : undefined;
}

function readUrl(
  source: UrlSource,
  engines: readonly EngineConfig[],
  issues: Issue[],
): { settings: Settings; urlFailed: boolean } {
  const fault = findUnsafePart(source.text);
  const engine = fault === undefined ? pickByScheme(source.text, engines) : fault;
  if (typeof engine === 'string') {
    issues.push({ path: source.path, message: engine });
    return { settings: {}, urlFailed: true };
  }
  const [address = '', ...query] = source.text.split('?');
  const parameters = new URLSearchParams(query.join('?'));
  const read = callEngine(engine, address, parameters, source, issues);
  let settings = toTextSettings({ type: engine.type, ...read }, source.prefix);
  for (const [name, text] of parameters) {
    const path = name.split('.', deepestOption);
    const value = new TextSetting(text, [...source.prefix, ...path]);
    settings = mergeSettings(settings, nest(path, value), [], issues);
  }
  return { settings, urlFailed: read === undefined };
}

/** What would make a secret end up in another part of the URL than its author meant. */
function findUnsafePart(url: string): string | undefined {
  if (url.trim() !== url || /\p{Cc}/u.test(url))
    return 'must hold no control character, and no space at its ends';
  if (url.includes('#')) return 'must hold no #; write %23';
  if (/\?.*@/.test(url))
    return 'must hold no ? before an @, and no @ among its parameters; write %3F and %40';
  return undefined;
}

function callEngine(
  engine: EngineConfig,
  address: string,
  parameters: URLSearchParams,
  source: UrlSource,
  issues: Issue[],
): Readonly<Settings> | undefined {
  try {
    return engine.fromUrl(address, parameters);
  } catch (error) {
    // Anything else, such as the TypeError of `new URL`, carries the URL: it ends here.
    const found = error instanceof ValidationError ? error.issues : [{ path: [], message: 'cannot be read' }];
    for (const { path, message } of found) {
      issues.push({ path: path.length === 0 ? source.path : [...source.prefix, ...path], message });
    }
    return undefined;
  }
}

function toTextSettings(settings: Readonly<Settings>, path: Path): Settings {
  const texts: Settings = Object.create(null) as Settings;
  for (const [field, value] of Object.entries(settings)) {
    const place = [...path, field];
    if (typeof value === 'string') texts[field] = new TextSetting(value, place);
    else texts[field] = isPlainObject(value) ? toTextSettings(value, place) : value;
  }
  return texts;
}

function nest(path: readonly string[], value: TextSetting): Settings {
  return path.reduceRight<unknown>((inner, field) => {
    // Without a prototype `__proto__` is a field like any other, and an unknown one.
    const section: Settings = Object.create(null) as Settings;
    section[field] = inner;
    return section;
  }, value) as Settings;
}

/** Puts settings from two places together. What both give is a fault, so that neither wins in silence. */
function mergeSettings(
  first: Readonly<Settings>,
  second: Readonly<Settings>,
  path: Path,
  issues: Issue[],
): Settings {
  const merged = Object.assign(Object.create(null) as Settings, first);
  for (const [field, value] of Object.entries(second)) {
    const other = merged[field];
    const place = [...path, field];
    if (other === undefined) {
      merged[field] = value;
    } else if (isPlainObject(other) && isPlainObject(value)) {
      merged[field] = mergeSettings(other, value, place, issues);
    } else if (value !== undefined) {
      const message = 'is given twice, in the URL and beside it or in the URL alone; say it once';
      issues.push({ path: value instanceof TextSetting ? value.path : place, message });
    }
  }
  return merged;
}
