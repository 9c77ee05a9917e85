/**
 * Says in words of ours why the server refuses a statement, where its own message may repeat a value.
 *
 * @param code SQLSTATE
 */
export function reasonOfRefusal(code: string): string {
  return reasons[code] ?? classReasons[code.slice(0, 2)] ?? 'its message may repeat a value and is left out';
}

const reasons: Readonly<Record<string, string>> = {
  '0A000': 'it asks for something that this server cannot do',
  '25001': 'it cannot run inside a transaction',
  '2BP01': 'something else depends on what it would drop',
  '42501': 'the role may not do that; grant it the right to',
  '42601': 'it is more than one statement, or a text that it hands over has a fault in its syntax',
  '42701': 'there is a column of that name',
  '42703': 'a column that it names is not there',
  '42704': 'something that it names is not there',
  '42710': 'there is something of that name',
  '42723': 'there is a function of that name',
  '42883': 'a function that it names is not there',
  '42P01': 'a table, view or sequence that it names is not there',
  '42P06': 'there is a schema of that name',
  '42P18': 'the type of a parameter is unclear; cast it',
  '42P07': 'there is a table, view, index or sequence of that name',
};

const classReasons: Readonly<Record<string, string>> = {
  '08': 'another server that it needs is out of reach',
  '22': 'a value does not fit',
  '23': 'a value does not fit',
  '53': 'the server has run out of something',
  '54': 'a limit of the server is passed',
  '58': 'the system under the server has failed',
  XX: 'the server has failed inside',
};
