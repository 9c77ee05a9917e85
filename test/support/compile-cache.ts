import { makeTempDirectory } from './temp-directory.ts';

let folder: string | undefined;

/** Spares the processes that tests start from stripping and compiling the same sources again and again. */
export function compileCache(): { readonly NODE_COMPILE_CACHE: string } {
  folder ??= makeTempDirectory('compile-cache');
  return { NODE_COMPILE_CACHE: folder };
}
