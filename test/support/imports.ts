/**
 * Reads which modules a source file imports. It is no parser: it blanks out what is not code and trusts the
 * formatter that a statement starts on a line of its own.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join, posix, sep } from 'node:path';

export interface Import {
  /** As written, such as `../engine.ts` or `kysely`. */
  readonly specifier: string;
  /** `type` vanishes when compiled; `value` loads at once; `dynamic` loads late, or is an `import()` type. */
  readonly kind: 'type' | 'value' | 'dynamic';
}

const statement = /^\s*(?:import|export)\s+(type\s+(?!from\b))?(?:[^'"`;()]*?\bfrom\s*)?['"]([^'"]+)['"]/gm;
const call = /\bimport\s*\(\s*['"]([^'"]+)['"]/g;

export function readImports(source: string): Import[] {
  const code = blankOut(source);
  return [
    ...Array.from(code.matchAll(statement), ([, type, specifier]) => ({
      specifier: specifier ?? '',
      kind: type === undefined ? ('value' as const) : ('type' as const),
    })),
    ...Array.from(code.matchAll(call), ([, specifier]) => ({
      specifier: specifier ?? '',
      kind: 'dynamic' as const,
    })),
  ];
}

const comment = /\/\/.*|\/\*[^]*?\*\//y;
const string = /'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"/y;
const word = /[\w$]+/y;
const regex = /\/(?:\\.|\[(?:\\.|[^\]\\])*\]|[^/\\[\n])+\/\w*/y;
const templateText = /(?:\\[^]|\$(?!\{)|[^`\\$])*(?:`|\$\{)/y;
/** After a value a slash divides; after one of these words it starts a regular expression. */
const value = /[\w$)\]]$/;
const wordBeforeRegex = /\b(?:return|typeof|case|in|of|await|yield|throw)$/;

/** Takes out comments, regular expressions and the text of templates; keeps strings and what `${}` holds. */
function blankOut(source: string): string {
  const open: ('{' | '`' | '${')[] = [];
  let code = '';
  let position = 0;
  const take = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = position;
    const found = pattern.exec(source)?.[0];
    position += found?.length ?? 0;
    return found;
  };
  const takeRegex = (): string | undefined => {
    const before = code.trimEnd();
    return !value.test(before) || wordBeforeRegex.test(before) ? take(regex) : undefined;
  };
  while (position < source.length) {
    if (open.at(-1) === '`') {
      if (take(templateText)?.endsWith('`') ?? true) open.pop();
      else open.push('${');
      continue;
    }
    if (source[position] === '/' && (take(comment) ?? takeRegex()) !== undefined) continue;
    const kept = take(string) ?? take(word) ?? source.charAt(position++);
    if (kept === '`' || kept === '{') open.push(kept);
    else if (kept === '}') open.pop();
    code += kept;
  }
  return code;
}

/** Where a relative import leads, as a path from the project's root with `/`; undefined for a package. */
export function resolveImport(importer: string, specifier: string): string | undefined {
  return specifier.startsWith('.') ? posix.join(posix.dirname(importer), specifier) : undefined;
}

/** All TypeScript files below the folders, as path (from the root, with `/`) → source. */
export function readSources(root: string, folders: readonly string[]): Map<string, string> {
  const sources = new Map<string, string>();
  for (const folder of folders) {
    for (const name of readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })) {
      if (!name.endsWith('.ts')) continue;
      const path = join(folder, name);
      sources.set(path.split(sep).join('/'), readFileSync(join(root, path), 'utf8'));
    }
  }
  return sources;
}
