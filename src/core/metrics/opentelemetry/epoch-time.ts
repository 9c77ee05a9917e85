/** From where on the two clocks of the machine are too far from each other, in ms. */
const tolerance = 100;

let origin = performance.timeOrigin;

/**
 * The wall time in ms, with its fractions. A child that is a microsecond long must not begin before its parent, as it
 * might by `Date.now()`; and where the monotonic clock stood still meanwhile, as on a laptop that slept, it is set anew.
 */
export function epochTime(): number {
  const time = origin + performance.now();
  const wall = Date.now();
  if (Math.abs(wall - time) < tolerance) return time;
  origin += wall - time;
  return wall;
}
