// Erasing one phone everywhere, with a receipt. With an API key: everywhere in the key's own data;
// with the operator's token: over all keys.

import { z } from "zod";

import { pageFields } from "./page.ts";

export const ErasePhoneRequest = z
  .object({ phone: z.string().max(64).describe("E.164.") })
  .meta({ id: "ErasePhone", examples: [{ phone: "+12025550101" }] });

export const ErasureParams = z.object({ erasure_id: z.string() });

export const ErasureListQuery = z.object(pageFields({ defaultLimit: 100, maxLimit: 1000 }));

export const Erasure = z
  .object({
    erasure_id: z.string(),
    scope: z.enum(["key", "installation"]),
    status: z.enum(["pending", "done"]),
    requested_at: z.string(),
    done_at: z.string().nullable(),
    counts: z.record(z.string(), z.number()).describe("Rows by kind, so far."),
    kept: z
      .array(z.object({ what: z.string(), why: z.string() }))
      .describe("What stays after an erasure, and why."),
  })
  .meta({ id: "Erasure" });
export type Erasure = z.infer<typeof Erasure>;

export const ErasureList = z
  .object({ erasures: z.array(Erasure), count: z.number().describe("Erasures in this answer.") })
  .meta({ id: "ErasureList" });
