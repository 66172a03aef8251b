// Whether this process can work. The one endpoint without authentication, so it says nothing about
// tenants.

import { z } from "zod";

export const Health = z
  .object({
    status: z.enum(["ok", "degraded"]),
    version: z.string(),
    checks: z
      .record(z.string(), z.object({ ok: z.boolean(), message: z.string() }))
      .describe("One entry for each thing looked at: database, clock, model, …"),
  })
  .meta({ id: "Health" });
export type Health = z.infer<typeof Health>;
