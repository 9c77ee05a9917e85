/** F42: SIGKILL in the midst of each migration of the chat's set, on its way up and down. */
import { expect } from 'chai';
import type { DatabaseProvider } from '../../../src/core/index.ts';
import { Migrator, describeVerification, fingerprintSchema } from '../../../src/core/migrate/index.ts';
import { chatMigrations } from '../../../migrations/chat/index.ts';
import { startProgram } from '../../support/child-program.ts';
import { describeOnDatabase, type TestDatabase } from '../../support/database.ts';
import { soakCount } from '../../support/engines.ts';
import { pickSeed, seededRandom } from '../../support/seeded-random.ts';
import type { KilledProgramPlan } from './killed-program.ts';
import { openUntyped } from './sample-history.ts';

const program = new URL('./killed-program.ts', import.meta.url);
const last = chatMigrations.migrations.at(-1)?.name ?? '';
/** On each engine, half of them on the way up and half on the way down. */
const kills = Math.ceil(soakCount(200) / 4);

function declare(database: TestDatabase): void {
  const run = (plan: KilledProgramPlan) => startProgram(program, [JSON.stringify(plan)]);

  async function fingerprint(provider: DatabaseProvider<any>): Promise<string> {
    return fingerprintSchema(await provider.migrations.readSchema(provider.db));
  }

  it('at any statement: it is at a step, and the next run ends it without anybody’s help', async function () {
    this.timeout(1_800_000);
    const random = seededRandom(pickSeed());
    const steps: string[] = [];
    const model = await database.freshUrl();
    {
      await using provider = openUntyped(model);
      const migrator = new Migrator(provider, chatMigrations);
      steps.push(await fingerprint(provider));
      while ((await migrator.up()).applied.length > 0) steps.push(await fingerprint(provider));
    }
    let killed = 0;
    for (const to of [last, null]) {
      const url = await database.freshUrl();
      const counting = await database.freshUrl();
      const prepare = async (each: string): Promise<void> => {
        await using provider = openUntyped(each);
        await new Migrator(provider, chatMigrations).to(to === null ? last : null);
      };
      await prepare(counting);
      const counted = run({ url: counting, to, killAt: Number.MAX_SAFE_INTEGER });
      const statements = Number(await counted.line(0));
      await counted.ended;
      for (let kill = 0; kill < kills; kill += 1) {
        await prepare(url);
        const killAt = 1 + Math.floor(((kill + random()) * statements) / kills);
        const { signal } = await run({ url, to, killAt }).ended;
        await using provider = openUntyped(url);
        const migrator = new Migrator(provider, chatMigrations);
        const applied = (await migrator.status()).filter(({ appliedAt }) => appliedAt !== undefined).length;
        const label = `killed at ${killAt} of ${statements}, to ${to}, at step ${applied}`;
        if (signal === 'SIGKILL') killed += 1;
        expect(await fingerprint(provider), label).to.equal(steps[applied]);
        expect(describeVerification(await migrator.verify()), label).to.deep.equal([]);
        await migrator.to(to);
        expect(await fingerprint(provider), label).to.equal(to === null ? steps[0] : steps.at(-1));
      }
    }
    console.log(`  ${killed} kills in the midst of the chat's migrations, 0 between two steps`);
    expect(killed).to.be.at.least(kills);
  });
}

describeOnDatabase('sqlite-file', 'a killed migration is before or behind', declare);
describeOnDatabase('postgres', 'a killed migration is before or behind', declare);
