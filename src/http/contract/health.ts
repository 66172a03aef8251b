// Whether this process can work. The one endpoint without authentication, so it says nothing about
// tenants.

import { z } from "zod";

export const Health = z
  .object({
    status: z
      .enum(["ready", "degraded", "unavailable"])
      .describe(
        "ready: all is well. degraded: requests are answered, but something keeps people from being called. unavailable: requests cannot be answered (503).",
      ),
    version: z.string(),
    reasons: z.array(z.string()).describe("What is wrong, a sentence each; empty when ready."),
    checks: z
      .record(z.string(), z.object({ ok: z.boolean(), message: z.string() }))
      .describe("One entry for each thing looked at: database, clock, model, …"),
  })
  .meta({ id: "Health" });
export type Health = z.infer<typeof Health>;
