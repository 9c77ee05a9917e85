/** Waits for a number of microtasks, within one turn of the event loop: the finest step between two statements. */
export async function passMicrotasks(count: number): Promise<void> {
  for (let passed = 0; passed < count; passed += 1) await Promise.resolve();
}
