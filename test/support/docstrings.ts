/**
 * Reads what a module declares for others, and the docstrings above it. It is no parser: it trusts the
 * formatter that an exported declaration begins its line, that its members stand two spaces in, and that a
 * docstring ends on the line above.
 */

/** A declaration, or a member of one. */
export interface Documented {
  /** Such as `Semaphore`, or `Semaphore.acquire` for a member. */
  readonly name: string;
  readonly kind: 'declaration' | 'class member' | 'interface member';
  /** The text between the docstring's marks; undefined where there is none. */
  readonly doc: string | undefined;
  /** What is called with arguments; undefined for types and values. */
  readonly signature: Signature | undefined;
}

/** How something is called. */
export interface Signature {
  /** How many parameters it has. */
  readonly parameters: number;
  /** Whether it gives something back. */
  readonly returns: boolean;
}

const declaration =
  /^export (?:declare )?(?:abstract )?(?:async )?(function\*?|class|interface|type|const) ([\w$]+)/;
const member = /^ {2}(?:(?:static|readonly|async|abstract|get|set) )*\*?([\w$]+)[?!]?(?=[<(:;]| =)/;
/** Members that every reader knows. */
const wellKnown = ['toString', 'toJSON'];

/**
 * Reads the exported declarations of a module, and the members of classes and interfaces among them that
 * others can reach.
 *
 * @param source TypeScript, formatted
 * @returns all of them in their order; a name that is a type and a value comes twice
 */
export function readDocumented(source: string): Documented[] {
  const lines = source.split('\n');
  const found: Documented[] = [];
  for (const [index, line] of lines.entries()) {
    const [, keyword, name] = declaration.exec(line) ?? [];
    if (keyword === undefined || name === undefined) continue;
    const signature = keyword.startsWith('function') ? signatureAt(lines, index, name) : undefined;
    found.push({ name, kind: 'declaration', doc: docAbove(lines, index), signature });
    if (keyword !== 'class' && keyword !== 'interface') continue;
    const isKysely = implementsKysely(source, line);
    for (const at of bodyOf(lines, index)) {
      const memberName = member.exec(lines[at] ?? '')?.[1];
      if (memberName === undefined || wellKnown.includes(memberName)) continue;
      if (isKysely && memberName !== 'constructor') continue;
      found.push({
        name: `${name}.${memberName}`,
        kind: `${keyword} member`,
        doc: docAbove(lines, at),
        signature: / get /.test(lines[at] ?? '') ? undefined : signatureAt(lines, at, memberName),
      });
    }
  }
  return found;
}

/** What such a class has is Kysely's to describe, but for how it is made. */
function implementsKysely(source: string, heading: string): boolean {
  const [, contract] = / implements (\w+) \{/.exec(heading) ?? [];
  const [, imported = ''] = /^import (?:type )?\{([^}]*)\} from 'kysely';/m.exec(source) ?? [];
  return contract !== undefined && new RegExp(`\\b${contract}\\b`).test(imported);
}

/** The lines of a body, by their indices. A heading may take several lines. */
function bodyOf(lines: readonly string[], declaredAt: number): number[] {
  const text = lines.slice(declaredAt).join('\n');
  let position = 0;
  for (let depth = 0; depth > 0 || text[position] !== '{'; position += 1)
    depth += depthChange(text, position);
  const start = declaredAt + text.slice(0, position).split('\n').length - 1;
  if (text[position + 1] === '}') return [];
  const end = lines.findIndex((line, index) => index > start && line.startsWith('}'));
  return Array.from({ length: end - start - 1 }, (_, index) => start + 1 + index);
}

/** The names that a door lists, with the module that each comes from, relative to the door. */
export function readDoor(source: string): { readonly name: string; readonly module: string }[] {
  return Array.from(source.matchAll(/^export (?:type )?\{([^}]*)\} from '([^']+)';/gm)).flatMap(
    ([, names = '', module = '']) =>
      names
        .split(',')
        .map((name) => name.replace(/^\s*type\s/, '').trim())
        .filter((name) => name !== '')
        .map((name) => ({ name, module })),
  );
}

function docAbove(lines: readonly string[], index: number): string | undefined {
  const end = index - 1;
  if (lines[end]?.trimEnd().endsWith('*/') !== true) return undefined;
  let start = end;
  while (start > 0 && !/^\s*\/\*/.test(lines[start] ?? '')) start -= 1;
  const comment = lines.slice(start, index).join('\n').trim();
  return comment.startsWith('/**') ? comment : undefined;
}

function signatureAt(lines: readonly string[], index: number, name: string): Signature | undefined {
  const text = lines.slice(index).join('\n');
  const behindName = skipGenerics(text, text.indexOf(name) + name.length);
  if (text[behindName] !== '(') return undefined;
  const { end, parts } = readList(text, behindName);
  const returned = /^\s*:\s*([^]*?)(?:\s\{\n|;\n|\s\{\}?\s)/.exec(text.slice(end))?.[1];
  const returns = returned !== undefined && !/^(?:Promise<void>|void|never|asserts [^]*)$/.test(returned);
  return { parameters: parts, returns };
}

function skipGenerics(text: string, start: number): number {
  return text[start] === '<' ? readList(text, start).end : start;
}

/** Reads a bracketed list: where it ends, and how many parts it has. */
function readList(text: string, start: number): { readonly end: number; readonly parts: number } {
  let depth = 0;
  let parts = 0;
  let isEmpty = true;
  for (let position = start; position < text.length; position += 1) {
    const character = text.charAt(position);
    depth += depthChange(text, position);
    if (depth === 0) return { end: position + 1, parts: isEmpty ? parts : parts + 1 };
    if (depth === 1 && character === ',') {
      parts += 1;
      isEmpty = true;
    } else if (position > start && character.trim() !== '') isEmpty = false;
  }
  throw new Error('A list is not closed; the reader of docstrings does not understand this source.');
}

function depthChange(text: string, position: number): -1 | 0 | 1 {
  const character = text.charAt(position);
  if (character === '>' && text[position - 1] === '=') return 0;
  if ('([{<'.includes(character)) return 1;
  return ')]}>'.includes(character) ? -1 : 0;
}
