/**
 * How long work keeps this thread's processor busy, in ms. Other than by the clock on the wall, what else the machine
 * does is not counted.
 *
 * @param work without anything to wait for
 */
export function cpuTimeOf(work: () => void): number {
  const before = process.threadCpuUsage();
  work();
  const { user, system } = process.threadCpuUsage(before);
  return (user + system) / 1_000;
}
