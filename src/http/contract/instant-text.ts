// Instants as requests give them: ISO 8601 with an offset, in years that our calendars reach.
// Without the bound a year that the database cannot read would be a fault of the server.

import { z } from "zod";

const MIN_YEAR = 1970;
// An offset may still push the last hours of it over the edge of what has four digits.
const MAX_YEAR = 9998;

/** @param example shown to whoever wrote something else */
export function instantText(example: string) {
  return z.iso
    .datetime({ offset: true, error: `must be an instant such as ${example}` })
    .refine(isInReach, `must be an instant of the years ${MIN_YEAR} to ${MAX_YEAR}`);
}

function isInReach(text: string): boolean {
  const at = Date.parse(text);
  return at >= Date.UTC(MIN_YEAR, 0, 1) && at < Date.UTC(MAX_YEAR + 1, 0, 1);
}
