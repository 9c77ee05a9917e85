import { describeOnEachDatabase } from '../../support/database.ts';
import { nodeSqliteEngine } from '../../support/node-sqlite-engine.ts';
import { describeEngineContract } from './engine-contract.ts';

describeOnEachDatabase('an engine keeps the contract', (database) => {
  describeEngineContract(() => database.freshUrl());
});

describe('an engine that the application brings keeps the contract', () => {
  describeEngineContract(async () => 'node-sqlite::memory:', { engines: [nodeSqliteEngine] });
});
