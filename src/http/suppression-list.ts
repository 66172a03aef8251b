// Phones to suppress, as they are read from JSON or CSV: checked one by one, each kept once.
// Nothing is written before the whole list has been read.

import { MAX_LISTED_INVALID } from "../domain/batch-request.ts";
import { parsePhone, type E164 } from "../domain/phone.ts";
import { displayable } from "../domain/plain-text.ts";

const MAX_SHOWN_PHONE_LENGTH = 64;

export interface InvalidPhone {
  readonly phone: string;
  readonly reason: string;
  readonly row_index: number;
  readonly line: number | null;
}

export interface SuppressionList {
  /** Reasons by phone. Of a phone that comes twice the later reason counts, if it has one. */
  readonly reasons: ReadonlyMap<E164, string | null>;
  readonly invalidCount: number;
  /** The first of them. */
  readonly invalid: readonly InvalidPhone[];
}

export interface ListReader {
  /** @param line of the CSV; null for JSON */
  add(text: string, reason: string | null, line: number | null): void;
  finish(): SuppressionList;
}

export function createListReader(): ListReader {
  const reasons = new Map<E164, string | null>();
  const invalid: InvalidPhone[] = [];
  let invalidCount = 0;
  let rowIndex = -1;
  return {
    add: (text, reason, line) => {
      rowIndex += 1;
      const fault = text.trim() === "" ? "is missing" : null;
      // Longer texts are not even looked at; the parser would walk all of them.
      const tooLong =
        text.length > MAX_SHOWN_PHONE_LENGTH ? "is too long for a phone number" : null;
      const parsed = fault === null && tooLong === null ? parsePhone(text) : null;
      if (parsed?.kind === "valid") {
        reasons.set(parsed.phone, reason ?? reasons.get(parsed.phone) ?? null);
        return;
      }
      invalidCount += 1;
      if (invalid.length >= MAX_LISTED_INVALID) return;
      invalid.push({
        phone: displayable(text, MAX_SHOWN_PHONE_LENGTH),
        reason: fault ?? tooLong ?? parsed?.reason ?? "",
        row_index: rowIndex,
        line,
      });
    },
    finish: () => ({ reasons, invalidCount, invalid }),
  };
}
