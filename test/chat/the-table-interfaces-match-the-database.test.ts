import { expect } from 'chai';
import {
  chatTablesFile,
  generateChatTables,
  migrateChatTables,
  readChatTables,
} from '../../scripts/chat-tables.ts';
import {
  carryOver,
  headingOf,
  parseInterfaces,
  renderInterfaces,
  type TableInterface,
} from '../../scripts/table-interfaces.ts';
import type { ChatDatabase } from '../../src/chat/chat-database.ts';
import { DatabaseProviderFactory } from '../../src/core/index.ts';
import { describeOnEachDatabase } from '../support/database.ts';

/** Types by interface and member, whatever the order and the comments. */
const typesOf = (interfaces: readonly TableInterface[]) =>
  Object.fromEntries(
    interfaces.map(({ name, members }) => [
      name,
      Object.fromEntries(members.map((member) => [member.name, member.type])),
    ]),
  );

describeOnEachDatabase('the table interfaces match the database', (database) => {
  let generated: TableInterface[];

  before(async () => {
    await using provider = DatabaseProviderFactory.createProvider<ChatDatabase>(await database.freshUrl());
    await migrateChatTables(provider);
    generated = await generateChatTables(provider);
  });

  it('in every table, column and type', async () => {
    expect(typesOf(parseInterfaces(await readChatTables()))).to.deep.equal(typesOf(generated));
  });

  it('and `npm run codegen` would leave the file as it is', async () => {
    const source = await readChatTables();
    const written = parseInterfaces(source);
    expect(renderInterfaces(headingOf(source), carryOver(generated, written))).to.equal(source);
  });
});

describe('the table interfaces', () => {
  it('describe every table and every column', async () => {
    const interfaces = parseInterfaces(await readChatTables());
    expect(interfaces, chatTablesFile).to.have.lengthOf(8);
    const bare = interfaces.flatMap(({ name, comment, members }) => [
      ...(comment.length === 0 ? [name] : []),
      ...(name === 'ChatDatabase' ? [] : members)
        .filter((member) => member.comment.length === 0)
        .map((member) => `${name}.${member.name}`),
    ]);
    expect(bare).to.deep.equal([]);
  });

  it('keep their comments when a column comes, goes or changes its type', () => {
    const written = parseInterfaces(
      [
        '/** Notes.',
        ' * Many of them. */',
        'export interface NotesTable {',
        '  /** Kept. */',
        '  text: string;',
        '  /** Goes. */',
        '  old: number;',
        '}',
      ].join('\n'),
    );
    const generated = parseInterfaces(
      'export interface NotesTable {\n  new: number;\n  text: string | null;\n}',
    );
    expect(renderInterfaces('/** Heading. */', carryOver(generated, written))).to.equal(
      [
        '/** Heading. */',
        '',
        '/** Notes.',
        ' * Many of them. */',
        'export interface NotesTable {',
        '  /** Kept. */',
        '  text: string | null;',
        '  new: number;',
        '}',
        '',
      ].join('\n'),
    );
  });
});
