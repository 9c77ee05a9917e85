/**
 * What a disk holds while a program writes: what was flushed, and what was only handed to the system. A loss
 * of power keeps the first and any part of the second, in any order, a sector at a time.
 *
 * It is stricter than most file systems: a name counts as kept only once its folder was flushed.
 */
import { integerBetween, type Random } from '../../../../../support/seeded-random.ts';
import type { WriteRecord } from './write-log.ts';

/**
 * What becomes of what was not flushed: `dropped` loses all of it, `subset` keeps each write or not, `torn`
 * keeps each sector of each write or not.
 */
export type PowerLoss = 'dropped' | 'subset' | 'torn';

type Change = Extract<WriteRecord, { kind: 'write' | 'truncate' }>;
type NameChange = Extract<WriteRecord, { kind: 'create' | 'remove' | 'rename' }> & {
  readonly file: DiskFile;
};
type Names = Map<string, DiskFile>;

const sectorSize = 512;

class DiskFile {
  flushed: Buffer<ArrayBufferLike> = Buffer.alloc(0);
  readonly pending: Change[] = [];

  flush(): void {
    this.flushed = applyAll(this.flushed, this.pending.splice(0));
  }
}

export class DiskModel {
  readonly #folder: string;
  #flushedNames: Names = new Map();
  #names: Names = new Map();
  readonly #pendingNames: NameChange[] = [];

  constructor(folder: string) {
    this.#folder = folder;
  }

  apply(record: WriteRecord): void {
    switch (record.kind) {
      case 'write':
      case 'truncate':
        this.#fileOf(record.path).pending.push(record);
        break;
      case 'flush':
        if (record.path === this.#folder) this.#flushNames();
        // What has lost its name already is of no more use to anybody.
        else this.#names.get(record.path)?.flush();
        break;
      default:
        this.#changeName({ ...record, file: this.#fileOf(record.path) });
    }
  }

  /** What the disk may hold after a loss of power now: contents by path. */
  losePower(loss: PowerLoss, random: Random): Map<string, Buffer> {
    const keeps = () => loss !== 'dropped' && random() < 0.5;
    const names = new Map(this.#flushedNames);
    for (const change of this.#pendingNames) if (keeps()) applyName(names, change);
    const image = new Map<string, Buffer>();
    for (const [path, file] of names) {
      const kept = file.pending.filter(keeps);
      image.set(
        path,
        applyAll(file.flushed, loss === 'torn' ? kept.flatMap((each) => tear(each, random)) : kept),
      );
    }
    return image;
  }

  #fileOf(path: string): DiskFile {
    return this.#names.get(path) ?? new DiskFile();
  }

  #changeName(change: NameChange): void {
    applyName(this.#names, change);
    this.#pendingNames.push(change);
  }

  #flushNames(): void {
    this.#flushedNames = new Map(this.#names);
    this.#pendingNames.length = 0;
  }
}

function applyName(names: Names, change: NameChange): void {
  if (change.kind === 'create') names.set(change.path, change.file);
  else names.delete(change.path);
  if (change.kind === 'rename') names.set(change.to, change.file);
}

function applyAll(content: Buffer, changes: readonly Change[]): Buffer {
  if (changes.length === 0) return content;
  let size = content.length;
  let reach = size;
  for (const change of changes) {
    size = change.kind === 'truncate' ? change.size : Math.max(size, change.offset + change.data.length);
    reach = Math.max(reach, size);
  }
  const applied = Buffer.alloc(reach);
  content.copy(applied);
  for (const change of changes) {
    if (change.kind === 'truncate') applied.fill(0, change.size);
    else change.data.copy(applied, change.offset);
  }
  return applied.subarray(0, size);
}

/** The sectors of a write that reached the disk. */
function tear(change: Change, random: Random): Change[] {
  if (change.kind === 'truncate') return [change];
  const { path, offset, data } = change;
  const first = Math.floor(offset / sectorSize);
  const count = Math.floor((offset + data.length - 1) / sectorSize) - first + 1;
  const lost = integerBetween(random, 0, count);
  const sectors = Array.from({ length: count }, (_, index) => first + index);
  return sectors
    .filter((_, index) => index !== lost && random() < 0.75)
    .map((sector) => {
      const start = Math.max(offset, sector * sectorSize);
      const end = Math.min(offset + data.length, (sector + 1) * sectorSize);
      return { kind: 'write', path, offset: start, data: data.subarray(start - offset, end - offset) };
    });
}
