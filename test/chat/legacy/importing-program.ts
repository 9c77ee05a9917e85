/** An import in a process of its own, until it is killed or at its end. It tells of each transaction behind its commit. */
import { tracingChannel } from 'node:diagnostics_channel';
import { writeSync } from 'node:fs';
import { importLegacy, openChatStore } from '../../../src/chat/index.ts';
import { Secret } from '../../../src/core/index.ts';
import { KeyRing } from '../../../src/core/security/index.ts';
import { legacyKey } from './legacy-files.ts';

export interface ImportingPlan {
  readonly url: string;
  readonly sources: readonly string[];
  readonly stateFolder: string;
  /** In base64. */
  readonly key: string;
  readonly batchSize: number;
  /** Kills itself at the end of this transaction, counted from 1, before anything else can happen. */
  readonly dieAt?: number;
}

const { url, key, dieAt, ...options } = JSON.parse(process.argv[2] ?? '') as ImportingPlan;
const encryption = KeyRing.of([{ id: 'new', key: new Secret(key) }]);
await using store = await openChatStore({ database: url, migrate: false });
const say = (line: string): void => void writeSync(process.stdout.fd, `${line}\n`);
say('ready');
let ended = 0;
tracingChannel('liminal:transaction').asyncEnd.subscribe(() => {
  ended += 1;
  if (ended === dieAt) process.kill(process.pid, 'SIGKILL');
});
const report = await importLegacy(store.provider, {
  ...options,
  legacyKey,
  encryption,
  onProgress: ({ stage, done }) => say(`${stage} ${done}`),
});
say(`end ${report.proof.differences}`);
