import { setFlagsFromString } from 'node:v8';

/**
 * Keeps V8 from making room for more new objects. Whoever moves millions of rows makes objects faster than they are
 * cleared away, and the room grows by up to 100 MB that hold nothing; a smaller one is cleared more often, at the same
 * speed. And large rows that are through are cleared away before others take as much again: the heap may grow by a fifth
 * between two looks at all of it. It holds for the whole process, so only a program that does nothing else may ask for it.
 */
export function keepHeapSmall(): void {
  setFlagsFromString('--semi-space-growth-factor=1');
  setFlagsFromString('--heap-growing-percent=20');
}
