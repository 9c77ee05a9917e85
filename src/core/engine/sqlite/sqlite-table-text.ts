/**
 * Reads the text of a CREATE TABLE, as SQLite keeps it. The PRAGMAs tell neither CHECKs nor collations nor the
 * expressions of generated columns, so the text is what counts. What it cannot make out of a column is kept as it
 * stands, so that a change of it shows.
 */
import type { SchemaItem, SchemaItemKind } from '../schema-snapshot.ts';
import { SchemaTokenReader } from './sqlite-schema-reader.ts';
import { schemaTokens, writeName, writeTokens } from './sqlite-schema-tokens.ts';

type Facts = Record<string, string>;

/** Begins a constraint, and so ends the type of a column. */
const constraintWords = [
  'constraint',
  'primary',
  'not',
  'null',
  'unique',
  'check',
  'default',
  'collate',
  'references',
  'generated',
  'as',
] as const;

/**
 * Takes a CREATE TABLE apart. Pure.
 *
 * @param sql as `sqlite_schema` has it
 * @returns the facts of the table, its columns and its constraints; those of a single column stand beside those of
 *   the table, since where they were written means nothing
 */
export function readTableText(sql: string): Pick<SchemaItem, 'facts' | 'parts'> {
  const reader = new SchemaTokenReader(schemaTokens(sql));
  reader.skipTo('(');
  const body = new SchemaTokenReader(reader.takeGroup());
  const parts: SchemaItem[] = [];
  while (!body.isAtEnd) {
    if (body.isAt('constraint', 'primary', 'unique', 'check', 'foreign')) readTableConstraint(body, parts);
    else readColumn(body, parts);
    body.take(',');
  }
  const options = writeTokens(reader.takeRest()).toLowerCase().split(', ').filter(Boolean).sort().join(', ');
  return { facts: options === '' ? {} : { options }, parts };
}

function readColumn(body: SchemaTokenReader, parts: SchemaItem[]): void {
  const name = body.takeName();
  const facts: Facts = {};
  const type = writeTokens(body.takeUntil(...constraintWords, ',')).toLowerCase();
  if (type !== '') facts['type'] = type;
  const constraints: SchemaItem[] = [];
  let constraintName = '';
  while (!body.isAtEnd && !body.isAt(',')) {
    if (body.take('constraint')) {
      constraintName = body.takeName();
      continue;
    }
    readColumnConstraint(body, { column: name, facts, constraintName, constraints });
    constraintName = '';
  }
  parts.push({ kind: 'column', name, facts, parts: [] }, ...constraints);
}

interface ColumnInHand {
  readonly column: string;
  readonly facts: Facts;
  readonly constraintName: string;
  readonly constraints: SchemaItem[];
}

function readColumnConstraint(body: SchemaTokenReader, hand: ColumnInHand): void {
  const { column, facts, constraintName, constraints } = hand;
  const add = (kind: SchemaItemKind, definition: string) =>
    constraints.push(constraintOf(kind, constraintName, definition));
  const own = writeName(column);
  if (body.take('not', 'null')) facts['null'] = join('no', takeConflict(body));
  else if (body.take('null')) takeConflict(body);
  else if (body.take('default')) facts['default'] = takeDefault(body);
  else if (body.take('collate')) facts['collation'] = body.takeName().toLowerCase();
  else if (body.take('check')) add('check', join(takeGroup(body), takeConflict(body)));
  else if (body.take('unique')) add('unique', join(`(${own})`, takeConflict(body)));
  else if (body.take('primary', 'key')) {
    body.take('asc');
    const key = body.take('desc') ? `(${own} desc)` : `(${own})`;
    const conflict = takeConflict(body);
    add('primary key', join(key, conflict, body.take('autoincrement') ? 'autoincrement' : ''));
  } else if (body.take('references')) add('foreign key', join(`(${own})`, takeReference(body)));
  else if (body.take('generated', 'always', 'as') || body.take('as')) {
    const expression = takeGroup(body);
    facts['generated'] = join(expression, body.take('stored') ? 'stored' : '');
    body.take('virtual');
  } else facts['more'] = join(facts['more'] ?? '', writeTokens([body.takeAny()]));
}

function readTableConstraint(body: SchemaTokenReader, parts: SchemaItem[]): void {
  const name = body.take('constraint') ? body.takeName() : '';
  const add = (kind: SchemaItemKind, definition: string) => parts.push(constraintOf(kind, name, definition));
  if (body.take('primary', 'key')) {
    const key = body.takeGroup();
    const isCounter = key.at(-1)?.value.toLowerCase() === 'autoincrement';
    const list = listOf(isCounter ? key.slice(0, -1) : key);
    add('primary key', join(list, takeConflict(body), isCounter ? 'autoincrement' : ''));
  } else if (body.take('unique')) add('unique', join(listOf(body.takeGroup()), takeConflict(body)));
  else if (body.take('check')) add('check', join(takeGroup(body), takeConflict(body)));
  else if (body.take('foreign', 'key')) {
    const columns = takeGroup(body);
    body.take('references');
    add('foreign key', join(columns, takeReference(body)));
  } else body.takeAny();
}

/** The parent with its columns, and what differs from what it would be by default. */
function takeReference(body: SchemaTokenReader): string {
  const parent = writeName(body.takeName());
  const columns = body.isAt('(') ? takeGroup(body) : '';
  const rules: string[] = [];
  for (;;) {
    if (body.take('on')) {
      const event = body.takeAny().value.toLowerCase();
      const action = takeAction(body);
      if (action !== 'no action') rules.push(`on ${event} ${action}`);
    } else if (body.take('match')) rules.push(`match ${body.takeName().toLowerCase()}`);
    else if (body.take('not', 'deferrable')) {
      if (body.take('initially')) body.takeAny();
    } else if (body.take('deferrable')) {
      if (body.take('initially') && body.takeAny().value.toLowerCase() === 'deferred') {
        rules.push('deferrable initially deferred');
      }
    } else break;
  }
  return join(`references ${parent}`, columns, ...rules.sort());
}

function takeAction(body: SchemaTokenReader): string {
  const first = body.takeAny().value.toLowerCase();
  return first === 'set' || first === 'no' ? `${first} ${body.takeAny().value.toLowerCase()}` : first;
}

function takeDefault(body: SchemaTokenReader): string {
  if (body.isAt('(')) return takeGroup(body);
  if (!body.isAt('+', '-')) return writeTokens([body.takeAny()]);
  const sign = body.takeAny().value;
  return `${sign}${writeTokens([body.takeAny()])}`;
}

/** What happens with a row that breaks the constraint, where it is not ABORT. */
function takeConflict(body: SchemaTokenReader): string {
  if (!body.take('on', 'conflict')) return '';
  const rule = body.takeAny().value.toLowerCase();
  return rule === 'abort' ? '' : `on conflict ${rule}`;
}

function takeGroup(body: SchemaTokenReader): string {
  return listOf(body.takeGroup());
}

function listOf(tokens: ReturnType<SchemaTokenReader['takeGroup']>): string {
  return `(${writeTokens(tokens)})`;
}

function constraintOf(kind: SchemaItemKind, name: string, definition: string): SchemaItem {
  return { kind, name, facts: { definition }, parts: [] };
}

function join(...parts: readonly string[]): string {
  return parts.filter((part) => part !== '').join(' ');
}
