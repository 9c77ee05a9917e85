/**
 * Settings of a session that decide how it writes and reads values: with others, the same value would be another text.
 * Row security is off so that a policy that hides rows is an error, and no row is left out in silence.
 */
export const plainSettings: Readonly<Record<string, string>> = {
  timezone: 'UTC',
  datestyle: 'ISO',
  intervalstyle: 'postgres',
  bytea_output: 'hex',
  extra_float_digits: '1',
  lc_monetary: 'C',
  row_security: 'off',
};
