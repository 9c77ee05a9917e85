import { expect } from 'chai';
import { CompiledQuery } from 'kysely';
import { PoolClosedError } from '../../../../src/core/index.ts';
import { committedReadsOf } from '../../../../src/core/provider/committed-reads.ts';
import { describeOnDatabase } from '../../../support/database.ts';
import { rejectionOf } from '../../../support/rejection.ts';
import { openUnits } from '../../transaction/units.ts';

const count = CompiledQuery.raw('select count(*)::int as count from things');
const insert = CompiledQuery.raw(
  "insert into things (id, name, score, version, created_at) values (gen_random_uuid(), 'n', 1, 1, 1)",
);

describeOnDatabase('postgres', 'what is committed is read beside the pool', (database) => {
  it('past the snapshot of a serializable unit, though the whole pool is held', async () => {
    const { provider, unitOfWork } = await openUnits(database);
    const reads = committedReadsOf(provider)!;
    const { size: unused, max } = provider.stats();
    expect(unused).to.be.lessThan(max);
    const isFull = Promise.withResolvers<void>();
    let inside = 0;
    await Promise.all(
      Array.from({ length: max }, () =>
        unitOfWork.run(async ({ repositories: { things } }) => {
          expect(await things.count({})).to.equal(0);
          inside += 1;
          if (inside === max) {
            await reads.execute(insert);
            isFull.resolve();
          }
          await isFull.promise;
          expect(provider.stats().busy).to.equal(max);
          expect((await reads.execute(count)).rows).to.deep.equal([{ count: 1 }]);
          expect(await things.count({})).to.equal(0);
        }),
      ),
    );
    await provider.close();
    expect(await rejectionOf(reads.execute(count))).to.be.instanceOf(PoolClosedError);
  });
});

describeOnDatabase('sqlite-file', 'what is committed is read beside the pool', (database) => {
  it('is nothing that SQLite needs: whoever writes there sees the latest state', async () => {
    const { provider } = await openUnits(database);
    expect(committedReadsOf(provider)).to.equal(undefined);
    await provider.close();
  });
});
