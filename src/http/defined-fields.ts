// Optional fields of a parsed body, without those that are undefined: what is left can be spread
// over a row.

/** A copy without undefined values. null stays: it is a value that somebody sent. */
export function definedFields<T extends object>(
  fields: T,
): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const defined = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(defined) as { [K in keyof T]?: Exclude<T[K], undefined> };
}
