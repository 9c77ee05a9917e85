import { expect } from 'chai';
import { readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { projectRoot } from '../../scripts/run-command.ts';
import { readDocumented, readDoor, type Documented } from '../support/docstrings.ts';

interface Manifest {
  readonly exports: Readonly<Record<string, string | { readonly default: string }>>;
}

/** The modules that a stranger can import, by what `package.json` calls them. */
function listDoors(): [string, string][] {
  const { exports } = JSON.parse(read('package.json')) as Manifest;
  return Object.entries(exports).flatMap(([name, target]): [string, string][] => {
    if (typeof target === 'string') return [];
    return [[name, target.default.replace(/^\.\/dist\//, '').replace(/\.js$/, '.ts')]];
  });
}

function read(path: string): string {
  return readFileSync(join(projectRoot, path), 'utf8');
}

/** What is wrong with the docstrings of a declaration and its members. */
function findFaults(name: string, source: string): string[] {
  const own = readDocumented(source).filter((each) => each.name === name || each.name.startsWith(`${name}.`));
  if (own.length === 0) return [`${name} is not declared where the door says`];
  // A name may be a type and a value at once, and a method may have overloads: one docstring serves them.
  const byName = Map.groupBy(own, (each) => each.name);
  return Array.from(byName.values()).flatMap(faultsOf);
}

function faultsOf(same: readonly Documented[]): string[] {
  const [{ name, kind }] = same as [Documented];
  // Errors are made by the library, and each class says what it is for.
  if (name.endsWith('Error.constructor')) return [];
  const doc = same.find((each) => each.doc !== undefined)?.doc;
  if (doc === undefined) return [`${name} has no docstring`];
  const signature = same.find((each) => each.signature !== undefined)?.signature;
  // A method of an interface may say in a sentence what its arguments are.
  if (signature === undefined || kind === 'interface member') return [];
  const told = Array.from(doc.matchAll(/@param /g)).length;
  return [
    ...(told < signature.parameters ? [`${name} leaves out a @param`] : []),
    ...(signature.returns && !doc.includes('@returns') ? [`${name} has no @returns`] : []),
  ];
}

describe('every export has a docstring', () => {
  for (const [door, path] of listDoors()) {
    it(`that "${door}" lists, and so has every member that others can reach`, () => {
      const names = readDoor(read(path));
      expect(names).not.to.be.empty;
      const faults = names.flatMap(({ name, module }) => {
        const file = posix.join(posix.dirname(path), module);
        return findFaults(name, read(file)).map((fault) => `${file}: ${fault}`);
      });
      expect(faults.join('\n')).to.equal('');
    });
  }

  it('and what lacks one is found', () => {
    const source = `
import type { Driver } from 'kysely';

/** A thing. */
export class Thing<
  Kind,
> {
  readonly #hidden = 1;
  /** Documented. */
  readonly shown = 2;
  readonly bare: string = '';

  /** @param kind what kind */
  constructor(kind: Kind) {
    this.bare = String(kind);
  }

  /** Says something. */
  say(word: string, { often }: { readonly often: number }): string {
    return word.repeat(often);
  }

  /** @param done hears of the end */
  wait(done: (word: string, count: number) => void): Promise<void> {
    return Promise.resolve(done('', 0));
  }

  async *list(): AsyncGenerator<string> {}

  #keep(): void {}
}

export class Motor implements Driver {
  async init(): Promise<void> {}
}

// No docstring.
export interface Shape
  extends Partial<Record<'a', string>>, Pick<{ b: 1 }, 'b'> {
  /** Documented. */
  readonly a: string;
  b?(): void;
}

/** Not here. */

export function make(): void {}

/** Documented as a value. */
export const Both = 1;
export type Both = number;
`;
    const names = ['Thing', 'Motor', 'Shape', 'make', 'Both', 'Nowhere'];
    expect(names.flatMap((name) => findFaults(name, source))).to.deep.equal([
      'Thing.bare has no docstring',
      'Thing.say leaves out a @param',
      'Thing.say has no @returns',
      'Thing.list has no docstring',
      'Motor has no docstring',
      'Shape has no docstring',
      'Shape.b has no docstring',
      'make has no docstring',
      'Nowhere is not declared where the door says',
    ]);
  });
});
