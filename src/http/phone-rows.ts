// The valid phones of a list, one a line: all that is asked of the database about a list that is
// only looked at.

import type { RowWriter } from "./recipient-rows.ts";

/** A list of 100,000 phones is 1.3 MB: one chunk. */
export function createPhoneWriter(): RowWriter {
  const phones: string[] = [];
  return {
    addValid: ({ phone }) => {
      phones.push(phone);
    },
    addInvalid: () => {
      // Counted by the caller; it will never be called.
    },
    finish: () => [new TextEncoder().encode(phones.join("\n"))],
  };
}
