/**
 * Reads and writes a file of table interfaces, in the one form that Prettier gives them: a heading, then
 * interfaces whose members are a line each, with comments of any length.
 */

export interface TableInterface {
  readonly name: string;
  /** The lines of its comment; empty where it has none. */
  readonly comment: readonly string[];
  readonly members: readonly InterfaceMember[];
}

export interface InterfaceMember {
  readonly name: string;
  readonly type: string;
  readonly comment: readonly string[];
}

export function parseInterfaces(source: string): TableInterface[] {
  const interfaces: TableInterface[] = [];
  let members: InterfaceMember[] = [];
  let comment: string[] = [];
  for (const line of source.split('\n').map((text) => text.trim())) {
    const opening = /^export interface (\w+) \{$/.exec(line)?.[1];
    const member = /^(\w+): (.+);$/.exec(line);
    if (line.startsWith('/**')) comment = [line];
    else if (line.startsWith('*')) comment.push(line);
    else if (opening !== undefined) {
      members = [];
      interfaces.push({ name: opening, comment, members });
      comment = [];
    } else if (member?.[1] !== undefined && member[2] !== undefined) {
      members.push({ name: member[1], type: member[2], comment });
      comment = [];
    }
  }
  return interfaces;
}

/** Takes the comments and the order of what was written by hand over to what was generated. */
export function carryOver(
  generated: readonly TableInterface[],
  written: readonly TableInterface[],
): TableInterface[] {
  return inOrderOf(written, generated).map(({ name, members }) => {
    const twin = written.find((candidate) => candidate.name === name);
    return {
      name,
      comment: twin?.comment ?? [],
      members: inOrderOf(twin?.members ?? [], members).map((member) => ({
        ...member,
        comment: twin?.members.find((candidate) => candidate.name === member.name)?.comment ?? [],
      })),
    };
  });
}

export function renderInterfaces(heading: string, interfaces: readonly TableInterface[]): string {
  const blocks = interfaces.map(({ name, comment, members }) => {
    const lines = members.flatMap((member) => [...member.comment, `${member.name}: ${member.type};`]);
    const body = lines.map((line) => (line.startsWith('*') ? `   ${line}` : `  ${line}`));
    const top = comment.map((line) => (line.startsWith('*') ? ` ${line}` : line));
    return [...top, `export interface ${name} {`, ...body, '}'].join('\n');
  });
  return `${[heading, ...blocks].join('\n\n')}\n`;
}

/** The comment that a file opens with. */
export function headingOf(source: string): string {
  return source.slice(0, source.indexOf('\n\n'));
}

/** Known names as they are known; new ones behind them. */
function inOrderOf<Named extends { readonly name: string }>(
  known: readonly { readonly name: string }[],
  items: readonly Named[],
): Named[] {
  const place = ({ name }: Named) => {
    const index = known.findIndex((candidate) => candidate.name === name);
    return index < 0 ? known.length : index;
  };
  return items.toSorted((one, other) => place(one) - place(other));
}
