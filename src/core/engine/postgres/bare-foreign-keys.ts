/** Whether a row of `pg_constraint` is a foreign key whose columns no whole and valid index begins with, in whatever order. */
export const isBareForeignKey = `contype = 'f' and not exists (
  select from pg_index
  where indrelid = conrelid and indisvalid and indpred is null
    and (indkey::int2[])[0:cardinality(conkey) - 1] @> conkey
)`;
