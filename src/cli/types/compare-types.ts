/** Holds a file of table interfaces against the database. Form, order and comments do not count. Pure. */

/** What differs, one line each; empty where nothing does. */
export function compareTypes(inDatabase: string, inFile: string): readonly string[] {
  const wanted = readDeclarations(inDatabase);
  const found = readDeclarations(inFile);
  const names = [...new Set([...wanted.keys(), ...found.keys()])].toSorted();
  return names.flatMap((name) => {
    const [type, written] = [wanted.get(name), found.get(name)];
    if (type === written) return [];
    if (written === undefined) return [`+ ${name}${spell(type)} is in the database and not in the file`];
    if (type === undefined) return [`- ${name}${spell(written)} is in the file and not in the database`];
    return [`~ ${name} is ${type} in the database and ${written} in the file`];
  });
}

function spell(type: string | undefined): string {
  return type === undefined || type === '' ? '' : `: ${type}`;
}

function withoutBlockComments(source: string): string {
  const [code, ...rest] = source.split('/*');
  return [code, ...rest.map((part) => part.split('*/').slice(1).join('*/'))].join('');
}

/** Each member of an interface by `Interface.member`, and each other statement by itself. */
function readDeclarations(source: string): ReadonlyMap<string, string> {
  const text = withoutBlockComments(source)
    .replaceAll(/^[ \t]*\/\/.*$/gm, '')
    .replaceAll("'", '"')
    .replaceAll(/\s+/g, ' ');
  const declarations = new Map<string, string>();
  const rest = text.replaceAll(/export interface (\w+) \{([^}]*)\}/g, (_, name: string, body: string) => {
    // A table without a column is one all the same.
    declarations.set(name, '');
    for (const member of body.split(';').map((part) => part.trim())) {
      const [, column = '', type = ''] = /^"?([^":]+)"?\??: (?:\| )?(.*)$/.exec(member) ?? [];
      if (column !== '') declarations.set(`${name}.${column}`, type);
    }
    return ';';
  });
  for (const statement of rest.split(';').map((part) => part.trim())) {
    if (statement !== '') declarations.set(statement.replaceAll(/(?<==) \| /g, ' '), '');
  }
  return declarations;
}
