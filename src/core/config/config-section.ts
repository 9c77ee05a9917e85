import type { Issue } from '../foundation/issue.ts';
import { LateSecret, type SecretSource } from '../foundation/secret-source.ts';
import { redacted, Secret } from '../foundation/secret.ts';
import { findNearestName } from './nearest-name.ts';
import { isPlainObject } from './plain-object.ts';
import { TextSetting } from './text-setting.ts';

/**
 * Reads one object of a configuration field by field. Every fault is collected with its path; a field
 * that nobody asked for is a fault as well. What came as text, from a URL or an environment variable, is
 * converted by the method that reads it; what was written as a value is taken as it is.
 */
export class ConfigSection {
  readonly #values: Readonly<Record<string, unknown>>;
  readonly #path: readonly (string | number)[];
  readonly #issues: Issue[];
  readonly #known = new Set<string>();
  #ended = false;

  /**
   * @param value the object; anything else is a fault
   * @param path where it lies in the whole configuration
   * @param issues where faults are collected
   */
  constructor(value: unknown, path: readonly (string | number)[], issues: Issue[]) {
    this.#path = value instanceof TextSetting ? value.path : path;
    this.#issues = issues;
    this.#values = isPlainObject(value) ? value : {};
    if (value !== undefined && !isPlainObject(value)) this.fault(undefined, 'must be a plain object');
  }

  /**
   * Tells whether a field is there at all.
   *
   * @param field the name of the field
   * @returns whether it has a value
   */
  has(field: string): boolean {
    return this.#get(field) !== undefined;
  }

  /**
   * Adds a fault to a field, or to the section itself where the field is undefined.
   *
   * @param field the name of the field
   * @param message what is wrong and what would be right; never the value
   */
  fault(field: string | undefined, message: string): void {
    this.#issues.push({ path: field === undefined ? this.#path : this.#pathOf(field), message });
  }

  /**
   * Reads a string that is not blank and would survive a driver: no NUL, no half of a surrogate pair.
   *
   * @param field the name of the field
   * @returns the text; undefined where it is absent, and where it is a fault
   */
  string(field: string): string | undefined {
    const value = this.value(field);
    if (value === undefined) return undefined;
    if (typeof value !== 'string' || value.trim() === '') {
      this.fault(field, 'must be a string that is not blank');
    } else if (value.includes('\0') || !value.isWellFormed()) {
      this.fault(field, 'must hold no NUL and no lone surrogate');
    } else {
      return value;
    }
    return undefined;
  }

  /**
   * Reads a secret: a string, or one that is wrapped already.
   *
   * @param field the name of the field
   * @returns the secret; undefined where it is absent, and where it is a fault
   */
  secret(field: string): Secret | undefined {
    const value = this.value(field);
    if (value === undefined || value instanceof Secret) return value;
    if (typeof value !== 'string' || value === '' || value.includes('\0')) {
      this.fault(field, 'must be a string that is not empty and holds no NUL');
    } else if (value === redacted) {
      // A configuration that went through JSON has lost its secrets; the server's refusal would not say so.
      this.fault(field, 'is the mark that stands for a secret in print, not the secret');
    } else {
      return new Secret(value);
    }
    return undefined;
  }

  /**
   * Reads a secret that may come later: as `secret`, or a function, or `{ file }` or `{ env }`, which are asked
   * whenever it is needed.
   *
   * @param field the name of the field
   * @returns the secret, or where it comes from; undefined where it is absent, and where it is a fault
   */
  secretOrSource(field: string): Secret | LateSecret | undefined {
    const value = this.value(field);
    if (value instanceof LateSecret) return value;
    return isLateSource(value) ? new LateSecret(value) : this.secret(field);
  }

  /**
   * Reads an integer within a range, or gives the default.
   *
   * @param field the name of the field
   * @param range the least and the greatest value, and the default
   * @returns the integer; the default where it is absent, and where it is a fault
   */
  integer(field: string, range: { min: number; max: number; default: number }): number {
    const raw = this.#take(field);
    const value = raw instanceof TextSetting && /^-?\d+$/.test(raw.text) ? Number(raw.text) : raw;
    if (value === undefined) return range.default;
    if (typeof value === 'number' && Number.isInteger(value) && value >= range.min && value <= range.max) {
      return value;
    }
    this.fault(field, `must be an integer from ${range.min} to ${range.max}`);
    return range.default;
  }

  /**
   * Reads a boolean, or gives the default. As text, `1` and `0` will do.
   *
   * @param field the name of the field
   * @param fallback the default
   * @returns the value; the default where it is absent, and where it is a fault
   */
  boolean(field: string, fallback: boolean): boolean {
    const raw = this.#take(field);
    const value = raw instanceof TextSetting ? booleanWords.get(raw.text) : raw;
    if (raw === undefined) return fallback;
    if (typeof value === 'boolean') return value;
    this.fault(field, 'must be true or false');
    return fallback;
  }

  /**
   * Reads one of a closed set of words.
   *
   * @param field the name of the field
   * @param words the set
   * @returns the word; undefined where it is absent, and where it is a fault
   */
  oneOf<const Word extends string>(field: string, words: readonly Word[]): Word | undefined {
    const value = this.value(field);
    if (value === undefined) return undefined;
    const word = words.find((candidate) => candidate === value);
    if (word === undefined) this.fault(field, `must be one of ${words.join(', ')}`);
    return word;
  }

  /**
   * Reads whatever is there, unchecked, for a field that has a check of its own.
   *
   * @param field the name of the field
   * @returns the value, or undefined
   */
  value(field: string): unknown {
    const value = this.#take(field);
    return value instanceof TextSetting ? value.text : value;
  }

  /**
   * Opens a nested object.
   *
   * @param field the name of the field
   * @returns the section; what is no object is a fault, and read as an empty one
   */
  section(field: string): ConfigSection {
    return new ConfigSection(this.#take(field), [...this.#path, field], this.#issues);
  }

  /**
   * Opens each item of a list; anything else is a fault.
   *
   * @param expand makes the settings of an item of what was written for it
   * @param field the name of the field
   * @returns a section for each item; none where the field is absent or a fault
   */
  items(
    field: string,
    expand: (item: unknown, path: Issue['path'], issues: Issue[]) => unknown,
  ): ConfigSection[] {
    const value = this.#take(field);
    if (value !== undefined && !Array.isArray(value)) this.fault(field, 'must be a list');
    if (!Array.isArray(value)) return [];
    return value.map((item: unknown, index) => {
      const path = [...this.#path, field, index];
      return new ConfigSection(expand(item, path, this.#issues), path, this.#issues);
    });
  }

  /** Reports every field that nobody asked for. Call it last; a second call does nothing. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    const known = [...this.#known].sort();
    for (const field of Object.keys(this.#values)) {
      if (this.#known.has(field)) continue;
      const nearest = findNearestName(field, known);
      const hint = nearest === undefined ? '' : `did you mean ${nearest}? `;
      this.fault(field, `is unknown here; ${hint}known: ${known.join(', ')}`);
    }
  }

  #take(field: string): unknown {
    this.#known.add(field);
    return this.#get(field);
  }

  #get(field: string): unknown {
    return Object.hasOwn(this.#values, field) ? this.#values[field] : undefined;
  }

  #pathOf(field: string): readonly (string | number)[] {
    const value = this.#get(field);
    return value instanceof TextSetting ? value.path : [...this.#path, field];
  }
}

function isLateSource(value: unknown): value is SecretSource {
  if (typeof value === 'function') return true;
  if (!isPlainObject(value)) return false;
  const [[name, from] = [], ...others] = Object.entries(value);
  return (
    others.length === 0 && (name === 'file' || name === 'env') && typeof from === 'string' && from !== ''
  );
}

const booleanWords: ReadonlyMap<string, boolean> = new Map([
  ['true', true],
  ['1', true],
  ['false', false],
  ['0', false],
]);
