import type { SqlToken } from '../engine/sql-tokens.ts';

/** What is open: a parenthesis, a bracket, or the statement itself. */
interface Group {
  /** Where its opening sign stands among the parts. */
  readonly at: number;
  /** Whether it is a list of values where it holds nothing else. */
  readonly mayBeList: boolean;
  /** Whether it has held nothing but values so far. */
  holdsValues: boolean;
  /** The last row of a VALUES in it. */
  row: { readonly end: number; readonly text: string } | undefined;
}

/** What a list of values consists of. */
const listParts = new Set(['?', ',', '…', '(…)', 'default']);
/** Behind these a parenthesis opens a list of values; behind a name, the arguments of a function. */
const listOpeners = new Set(['in', 'values', '(', ',']);
/** How deep rows are looked for; texts that nest deeper are no program's. */
const deepestRow = 8;
const operatorSigns = new Set('<>=!|&~^#@%'.split(''));

/** The parts of a statement that is written anew. It folds lists of values, and rows that are alike, as they end. */
export class StatementParts {
  readonly #parts: string[] = [];
  /** Which of them can stand on the left of an operator. */
  readonly #operands: boolean[] = [];
  readonly #groups: Group[] = [{ at: -1, mayBeList: false, holdsValues: true, row: undefined }];

  /** The last part; undefined at the beginning. */
  get last(): string | undefined {
    return this.#parts.at(-1);
  }

  /** Whether what was added last can stand on the left of an operator. */
  get endsInOperand(): boolean {
    return this.#operands.at(-1) === true;
  }

  /** @returns what it was given, for those who pass over tokens */
  addValue(passed = 0): number {
    // A sign in front of a value is a part of it, unless something is subtracted here.
    while (this.#endsInSign && this.#operands.at(-2) !== true) this.#cut(this.#parts.length - 1);
    if (this.#endsInSign) (this.#groups.at(-1) as Group).holdsValues = false;
    this.#add('?', true);
    return passed;
  }

  addOperand(text: string): number {
    this.#add(text, true);
    return 0;
  }

  addKeyword(text: string): number {
    this.#add(text, false);
    return 0;
  }

  addSign(text: string, passed = 0): number {
    this.#add(text, false);
    return passed;
  }

  /** Adds an operator of one or more signs that stand together. @returns how many tokens belong to it */
  addOperator(tokens: readonly SqlToken[], at: number): number {
    let end = at;
    while (continuesOperator(tokens, end)) end += 1;
    const text = tokens
      .slice(at, end + 1)
      .map((token) => token.text)
      .join('');
    this.#add(text, text === '…' || (text === '*' && !this.endsInOperand));
    return end - at;
  }

  open(sign: '(' | '['): number {
    const before = this.last;
    const mayBeList = sign === '(' ? listOpeners.has(before ?? '') : before === 'array';
    const at = this.#parts.length;
    this.#parts.push(sign);
    this.#operands.push(false);
    this.#groups.push({ at, mayBeList, holdsValues: true, row: undefined });
    return 0;
  }

  close(sign: ')' | ']'): number {
    if (this.#groups.length === 1) return this.addOperand(sign);
    const { at, mayBeList, holdsValues } = this.#groups.pop() as Group;
    const isList = mayBeList && holdsValues && this.#parts.length > at + 1;
    if (isList) this.#cut(at);
    this.#add(isList ? (sign === ')' ? '(…)' : '[…]') : sign, true);
    this.#foldRow(at);
    return 0;
  }

  toText(): string {
    while (this.last === ';') this.#cut(this.#parts.length - 1);
    let text = '';
    for (const [index, part] of this.#parts.entries()) {
      const before = this.#parts[index - 1];
      text += before === undefined || isTight(before, part) ? part : ` ${part}`;
    }
    return text;
  }

  get #endsInSign(): boolean {
    return this.last === '-' || this.last === '+';
  }

  #add(part: string, isOperand: boolean): void {
    const group = this.#groups.at(-1) as Group;
    // Whether a sign belongs to a value shows with what follows it.
    if (!listParts.has(part) && part !== '-' && part !== '+') group.holdsValues = false;
    this.#parts.push(part);
    this.#operands.push(isOperand);
  }

  #cut(length: number): void {
    this.#parts.length = length;
    this.#operands.length = length;
  }

  /** Of VALUES it keeps one row of those that are alike. */
  #foldRow(at: number): void {
    if (this.#groups.length > deepestRow) return;
    const around = this.#groups.at(-1) as Group;
    const before = this.#parts[at - 1];
    const follows = before === ',' && around.row?.end === at - 1;
    if (before !== 'values' && !follows) return;
    const text = this.#parts.slice(at).join(' ');
    if (follows && around.row?.text === text) this.#cut(at - 1);
    else around.row = { end: this.#parts.length, text };
  }
}

function continuesOperator(tokens: readonly SqlToken[], at: number): boolean {
  const sign = tokens[at] as SqlToken;
  const next = tokens[at + 1];
  if (next?.kind !== 'sign' || next.start !== sign.end) return false;
  const beyond = tokens[at + 2];
  const beginsArrow = next.text === '-' && beyond?.text === '>' && beyond.start === next.end;
  if (sign.text === '-') return next.text === '>';
  return operatorSigns.has(sign.text) && (operatorSigns.has(next.text) || beginsArrow);
}

function isTight(before: string, part: string): boolean {
  if (before === '(' || before === '[' || before === '.' || before === '::') return true;
  return part === ',' || part === ')' || part === ']' || part === ';' || part === '.' || part === '::';
}
