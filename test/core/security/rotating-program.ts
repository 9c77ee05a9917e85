/** A rotation in a process of its own, until it is killed or at its end. It tells of each batch when it is committed. */
import { writeSync } from 'node:fs';
import { Secret } from '../../../src/core/foundation/secret.ts';
import { KeyRing, rotateKeys } from '../../../src/core/security/index.ts';
import { byId, openPatients } from './patients.ts';

export interface RotatingPlan {
  readonly url: string;
  /** The keys in base64, the active one first. */
  readonly keys: readonly { readonly id: string; readonly key: string }[];
  readonly batchSize: number;
  readonly throttle: number;
}

const { url, keys, batchSize, throttle } = JSON.parse(process.argv[2] ?? '') as RotatingPlan;
await using provider = await openPatients({ url, lockTimeout: 10_000, pool: { max: 2 } });
const say = (line: string): void => void writeSync(process.stdout.fd, `${line}\n`);
say('ready');
const [report] = await rotateKeys(provider, {
  ring: KeyRing.of(keys.map(({ id, key }) => ({ id, key: new Secret(key) }))),
  tables: [byId],
  batchSize,
  throttle,
  onProgress: ({ rotated }) => say(`rotated ${rotated}`),
});
say(`end ${JSON.stringify(report)}`);
