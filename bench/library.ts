/**
 * The library under test. `LIMINAL_BENCH_BUILD` names the folder of a build, as it is published; without it
 * the source is taken, whose types Node strips at every start.
 */
import { pathToFileURL } from 'node:url';
import type * as chat from '../src/chat/index.ts';
import type * as core from '../src/core/index.ts';

const root = new URL('../', import.meta.url);

/** @returns the URL of a module by its path below the root, without its ending */
function findModule(path: string): string {
  const build = process.env['LIMINAL_BENCH_BUILD'];
  return build === undefined
    ? new URL(`${path}.ts`, root).href
    : new URL(`${path}.js`, `${pathToFileURL(build).href}/`).href;
}

/** The main door. */
export async function loadCore(): Promise<typeof core> {
  return (await import(findModule('src/core/index'))) as typeof core;
}

/** The door of the chat, which has the tables. */
export async function loadChat(): Promise<typeof chat> {
  return (await import(findModule('src/chat/index'))) as typeof chat;
}
