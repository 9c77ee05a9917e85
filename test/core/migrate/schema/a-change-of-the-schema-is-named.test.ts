import { expect } from 'chai';
import type { DatabaseProvider } from '../../../../src/core/index.ts';
import { describeDifference, diffSchemas } from '../../../../src/core/migrate/schema/schema-diff.ts';
import { fingerprintSchema } from '../../../../src/core/migrate/schema/schema-fingerprint.ts';
import { describeOnEachDatabase } from '../../../support/database.ts';
import { openUntyped } from '../sample-history.ts';
import { postgresChanges } from './postgres-schema-changes.ts';
import { readSchemaOf, scriptOf } from './schema-scripts.ts';
import { sqliteChanges } from './sqlite-schema-changes.ts';

describeOnEachDatabase('a change of the schema is named', (database) => {
  let provider: DatabaseProvider<any>;

  before(async () => {
    provider = openUntyped(await database.freshUrl());
  });
  after(() => provider.close());

  const script = scriptOf(database.name);
  const changes = database.name === 'postgres' ? postgresChanges : sqliteChanges;
  for (const [from, to, ...lines] of changes) {
    it(`${from.trim()} → ${to.trim() || 'nothing'}`, async () => {
      const changed = script.map((statement) => statement.replace(from, to));
      expect(changed).not.to.deep.equal(script);
      const before = await readSchemaOf(provider, script);
      const after = await readSchemaOf(provider, changed);
      const differences = diffSchemas(before, after);
      const told = differences.map(describeDifference);
      expect(told).to.have.lengthOf(lines.length);
      for (const [index, line] of lines.entries()) {
        // How views are written hangs on the version of the server.
        if (line.endsWith('…'))
          expect(told[index]).to.satisfy((text: string) => text.startsWith(line.slice(0, -1)));
        else expect(told[index]).to.equal(line);
      }
      expect(fingerprintSchema(after)).not.to.equal(fingerprintSchema(before));

      const kinds = { missing: 'unexpected', unexpected: 'missing', changed: 'changed' } as const;
      expect(diffSchemas(after, before)).to.have.deep.members(
        differences.map(({ kind, path, expected, actual }) => ({
          kind: kinds[kind],
          path,
          expected: actual,
          actual: expected,
        })),
      );
    });
  }

  script.forEach((statement, index) => {
    it(`all that this makes: ${statement.split('\n')[0]}`, async () => {
      const before = await readSchemaOf(provider, script.slice(0, index));
      const after = await readSchemaOf(provider, script.slice(0, index + 1));
      expect(diffSchemas(before, after)).to.have.lengthOf(1);
      expect(diffSchemas(before, after)[0]?.kind).to.equal('unexpected');
      expect(diffSchemas(after, before)[0]?.kind).to.equal('missing');
    });
  });
});
