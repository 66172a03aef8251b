// The valid phones of a list, one a line: all that is asked of the database about a list that is
// only looked at.

import type { RowWriter } from "./recipient-rows.ts";

/** @param give gets one chunk: 100,000 phones are 1.3 MB. */
export function createPhoneWriter(give: (chunk: Uint8Array<ArrayBuffer>) => void): RowWriter {
  const phones: string[] = [];
  return {
    addValid: ({ phone }) => {
      phones.push(phone);
    },
    addInvalid: () => {
      // Counted by the caller; it will never be called.
    },
    finish: () => {
      give(new TextEncoder().encode(phones.join("\n")));
    },
  };
}
