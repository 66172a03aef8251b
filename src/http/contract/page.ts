// Paging (contract B.2.5): limit and offset, no total; a client pages until a short page. A limit
// above the cap is clamped, not refused.

import { z } from "zod";

// PostgreSQL reads and throws away the rows before an offset; past this nobody is paging, somebody
// is probing.
const MAX_OFFSET = 10_000_000;

/** Query fields of a list. */
export function pageFields(page: { readonly defaultLimit: number; readonly maxLimit: number }) {
  return {
    limit: z.coerce
      .number()
      .int()
      .min(1)
      .default(page.defaultLimit)
      .transform((limit) => Math.min(limit, page.maxLimit))
      .describe(
        `Rows at most: ${page.defaultLimit} unless given, never more than ${page.maxLimit}.`,
      ),
    offset: z.coerce
      .number()
      .int()
      .min(0)
      .max(MAX_OFFSET)
      .default(0)
      .describe("Rows to leave out first."),
  };
}
