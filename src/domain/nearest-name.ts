// Which known name a misspelt one most likely meant. A field that is silently ignored may dial
// people at once (`shedule_type`), so unknown fields are refused, and the refusal says what was
// meant.

// Names longer than this are not compared: the cost grows with the product of the lengths.
const MAX_COMPARED_LENGTH = 64;

/** The known name within a third of its length in single-letter edits, or null. */
export function nearestName(name: string, known: readonly string[]): string | null {
  if (name.length > MAX_COMPARED_LENGTH) return null;
  const wanted = plain(name);
  let nearest: string | null = null;
  let nearestDistance = Number.POSITIVE_INFINITY;
  for (const candidate of known) {
    const distance = isPartOf(wanted, plain(candidate))
      ? 1
      : editDistance(wanted, plain(candidate));
    if (distance <= candidate.length / 3 && distance < nearestDistance) {
      nearest = candidate;
      nearestDistance = distance;
    }
  }
  return nearest;
}

// camelCase, dashes and case are the commonest slips.
function plain(name: string): string {
  return name.toLowerCase().replace(/[_\-\s]/g, "");
}

// phone_number meant phone; dynamic_vars is nothing like variables.
function isPartOf(wanted: string, candidate: string): boolean {
  return (
    candidate.length >= 4 &&
    (wanted.includes(candidate) || (wanted.length >= 4 && candidate.includes(wanted)))
  );
}

function editDistance(from: string, to: string): number {
  let previous = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let row = 1; row <= from.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= to.length; column += 1) {
      const substituted = (previous[column - 1] ?? 0) + (from[row - 1] === to[column - 1] ? 0 : 1);
      current.push(
        Math.min(substituted, (previous[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1),
      );
    }
    previous = current;
  }
  return previous[to.length] ?? 0;
}
