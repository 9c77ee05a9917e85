/**
 * Finds the known name that was probably meant.
 *
 * @param name what was written
 * @param known the names that there are
 * @returns the closest by edit distance (at most 2, and no more than half the name), else one of which the other
 * is a beginning (`username` for `user`), else undefined
 */
export function findNearestName(name: string, known: readonly string[]): string | undefined {
  const wanted = name.toLowerCase();
  const distances = known
    .filter((candidate) => Math.abs(candidate.length - name.length) <= 2)
    .map((candidate) => ({ candidate, distance: editDistance(wanted, candidate.toLowerCase()) }))
    .filter(({ distance }) => distance <= 2 && distance * 2 <= name.length)
    .sort((a, b) => a.distance - b.distance);
  return distances[0]?.candidate ?? known.find((candidate) => isBeginning(wanted, candidate.toLowerCase()));
}

function isBeginning(a: string, b: string): boolean {
  return Math.min(a.length, b.length) >= 3 && (a.startsWith(b) || b.startsWith(a));
}

/** Levenshtein distance: insertions, deletions and replacements, one row at a time. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (const [index, letter] of Array.from(a).entries()) {
    const next = [index + 1];
    for (let column = 1; column <= b.length; column += 1) {
      const replaced = (row[column - 1] ?? 0) + (letter === b[column - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[column] ?? 0) + 1, (next[column - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}
