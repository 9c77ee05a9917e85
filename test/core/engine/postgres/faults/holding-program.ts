/** Holds a row lock in a transaction until it is killed. Arguments: the URL of the database. */
import { DatabaseProviderFactory } from '../../../../../src/core/index.ts';

const [, , url = ''] = process.argv;
const provider = DatabaseProviderFactory.createProvider<{ items: { id: number; name: string } }>(url);

await provider.transaction(async (tx) => {
  await tx.updateTable('items').set({ name: 'never' }).where('id', '=', 1).execute();
  console.log('holding');
  await new Promise((resolve) => setTimeout(resolve, 600_000));
});
