// Finds import cycles. One cycle is reported for each knot of files that can reach each other.

/**
 * Cycles of a graph of files, each as the path that closes it (first = last), shortest first found.
 * Depth-first; every file is entered once, so that the cost is linear in the imports.
 */
export function findCycles(graph: ReadonlyMap<string, readonly string[]>): string[][] {
  const cycles: string[][] = [];
  const done = new Set<string>();
  const trail: string[] = [];

  const enter = (file: string): void => {
    const seenAt = trail.indexOf(file);
    if (seenAt >= 0) {
      cycles.push([...trail.slice(seenAt), file]);
      return;
    }
    if (done.has(file)) return;
    trail.push(file);
    for (const next of graph.get(file) ?? []) enter(next);
    trail.pop();
    done.add(file);
  };

  for (const file of graph.keys()) enter(file);
  return cycles;
}
