import { existsSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ConfigSection, ConfigurationError, isLiminalDataError } from '../core/index.ts';
import type { Issue, LiminalConfig } from '../core/index.ts';

/** Looked for in this order; the first that is there counts. */
const fileNames = ['liminal.config.ts', 'liminal.config.js', 'liminal.config.mjs'] as const;

/**
 * Reads the project's configuration file. It checks the shape; the database in it is checked by whoever
 * opens it.
 *
 * @param cwd the folder where the file is looked for, and against which `explicitPath` is resolved
 * @param explicitPath the file, where the user named one; then it must exist
 * @returns what the file exports by default, or an empty object where there is no file
 * @throws ConfigurationError when the named file is missing, the file fails while it is loaded, or its default
 * export has faults; an error of this library that the file itself throws passes as it is
 */
export async function loadConfig(cwd: string, explicitPath?: string): Promise<LiminalConfig> {
  const path = explicitPath === undefined ? findConfigFile(cwd) : resolve(cwd, explicitPath);
  if (path === undefined) return {};
  if (!existsSync(path)) throw new ConfigurationError(`There is no configuration file ${path}.`);
  const module = await importConfigFile(path);
  if (!('default' in module)) {
    throw new ConfigurationError(
      `${basename(path)} has no default export: export default defineConfig({ … }).`,
    );
  }
  return checkShape(module['default'], basename(path));
}

function findConfigFile(cwd: string): string | undefined {
  return fileNames.map((name) => join(cwd, name)).find((path) => existsSync(path));
}

async function importConfigFile(path: string): Promise<Record<string, unknown>> {
  try {
    return (await import(pathToFileURL(path).href)) as Record<string, unknown>;
  } catch (error) {
    if (isLiminalDataError(error)) throw error;
    if (hasCode(error, 'ERR_UNKNOWN_FILE_EXTENSION') && path.endsWith('.ts')) {
      const remedy = 'use Node 22.18 or newer, or write liminal.config.js';
      throw new ConfigurationError(`This Node cannot read TypeScript in ${basename(path)}: ${remedy}.`, {
        cause: error,
      });
    }
    const reason = error instanceof Error ? error.message : 'it threw something that is not an error';
    throw new ConfigurationError(`${basename(path)} could not be loaded: ${reason}`, { cause: error });
  }
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}

function checkShape(value: unknown, file: string): LiminalConfig {
  const issues: Issue[] = [];
  const section = new ConfigSection(value ?? null, [file], issues);
  const database = section.value('database');
  // What a variable of the environment is that nobody set; any default would be another database.
  if (typeof value === 'object' && value !== null && 'database' in value && database === undefined) {
    section.fault('database', 'is undefined; leave it out, or give a URL or an object');
  }
  if (
    database !== undefined &&
    typeof database !== 'string' &&
    (typeof database !== 'object' || database === null)
  ) {
    section.fault('database', 'must be a URL or an object');
  }
  checkMigrations(section);
  checkSeeds(section);
  checkEncryption(section);
  section.string('migrationsFolder');
  section.string('seedsFolder');
  section.string('typesFile');
  section.end();
  if (issues.length > 0) throw new ConfigurationError(issues);
  return value as LiminalConfig;
}

function checkMigrations(section: ConfigSection): void {
  const sets = section.value('migrations');
  if (sets === undefined) return;
  if (!Array.isArray(sets)) section.fault('migrations', 'must be a list of migration sets');
  else if (!sets.every(isMigrationSet))
    section.fault('migrations', 'must hold what defineMigrationSet returns');
}

function checkSeeds(section: ConfigSection): void {
  const seeds = section.value('seeds');
  if (seeds === undefined) return;
  if (!Array.isArray(seeds)) section.fault('seeds', 'must be a list of seeds');
  else if (!seeds.every(isSeed)) section.fault('seeds', 'must hold what defineSeed returns');
}

// A table that is left out by mistake would let a key be retired that it needs, so that nothing is guessed here.
function checkEncryption(section: ConfigSection): void {
  const encryption = section.value('encryption');
  if (encryption === undefined) return;
  const tables = typeof encryption === 'object' && encryption !== null && 'tables' in encryption;
  if (!tables || !Array.isArray(encryption.tables) || encryption.tables.length === 0) {
    section.fault('encryption', 'must be { tables: [ … ] } with every encrypted table');
  } else if (!encryption.tables.every(isTableEncryption)) {
    section.fault('encryption', 'must hold what defineEncryption returns');
  }
}

function isTableEncryption(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return 'table' in value && 'row' in value && Array.isArray(value.row) && 'columns' in value;
}

function isSeed(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return 'name' in value && 'run' in value && typeof value.run === 'function';
}

function isMigrationSet(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return (
    'name' in value &&
    typeof value.name === 'string' &&
    'migrations' in value &&
    Array.isArray(value.migrations)
  );
}
