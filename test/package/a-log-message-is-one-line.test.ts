import { parse, type CallExpression, type Node } from 'acorn';
import { expect } from 'chai';
import { stripTypeScriptTypes } from 'node:module';
import { readSources } from '../support/source-files.ts';

/**
 * Nothing from outside gets into the message of a log: it is a text of the source, and what came from outside is in the
 * fields, which loggers write as JSON, on one line. So nobody writes a line of their own into a log.
 */
const levels = new Set(['debug', 'info', 'warn', 'error']);
/** Where the message is handed on, from a text of the source as well. */
const handedOn = ['src/core/foundation/quiet-logger.ts', 'src/core/provider/transaction-hooks.ts'];

function findOpenMessages(path: string, source: string): string[] {
  const found: string[] = [];
  const visit = (node: unknown): void => {
    if (Array.isArray(node)) return node.forEach(visit);
    if (typeof node !== 'object' || node === null || node instanceof RegExp) return;
    if ((node as Node).type === 'CallExpression') {
      const message = messageOf(node as CallExpression, source);
      if (message !== undefined && !isText(message))
        found.push(`${path}: ${source.slice(message.start, message.end)}`);
    }
    Object.values(node).forEach(visit);
  };
  visit(parse(source, { ecmaVersion: 'latest', sourceType: 'module' }));
  return found;
}

function messageOf({ callee, arguments: [, message] }: CallExpression, source: string): Node | undefined {
  if (callee.type !== 'MemberExpression' || callee.property.type !== 'Identifier') return undefined;
  if (!levels.has(callee.property.name)) return undefined;
  return /logger$/iu.test(source.slice(callee.object.start, callee.object.end)) ? message : undefined;
}

function isText(node: Node): boolean {
  const { type, value } = node as Node & { readonly value?: unknown };
  return type === 'Literal' && typeof value === 'string' && /^[\x20-\x7e…’]+$/u.test(value);
}

describe('a log message is one line that nobody outside has written', () => {
  it('in every file', () => {
    const found = [...readSources()]
      .filter(([path]) => !handedOn.includes(path))
      .flatMap(([path, source]) => findOpenMessages(path, stripTypeScriptTypes(source)));
    expect(found).to.deep.equal([]);
  });

  it('and one that repeats what came would be found', () => {
    for (const line of [
      'logger.warn({}, `no ${name}`);',
      'this.#logger.error({ a }, error.message);',
      "logger.info({}, 'a\\nb');",
    ]) {
      const source = line.startsWith('this') ? `class A { #logger; b(a, error) { ${line} } }` : line;
      expect(findOpenMessages('a.ts', source), line).to.have.length(1);
    }
    expect(findOpenMessages('a.ts', "logger.info({ name }, 'a name');")).to.deep.equal([]);
  });
});
