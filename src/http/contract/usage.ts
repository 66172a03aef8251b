// Usage of one key (contract B.11). Money stays at the carrier and the model's vendor: total_cost
// is always 0 here.

import { z } from "zod";

export const Usage = z
  .object({
    plan: z.string(),
    total_calls: z.number().describe("Calls that were placed at the carrier."),
    total_minutes: z.number().describe("Connected minutes, fractional."),
    total_cost: z
      .number()
      .describe("Always 0: your carrier and your model's vendor bill you directly."),
    rate_limit_per_minute: z.number(),
    max_concurrent: z.number().describe("The key's concurrent_call_limit."),
    peak_concurrent_this_month: z
      .number()
      .describe("Most calls open at once since the month began (UTC)."),
    rejected_at_cap_this_month: z
      .number()
      .describe("Always 0: calls above the limit wait, they are not rejected."),
  })
  .meta({ id: "Usage" });
export type Usage = z.infer<typeof Usage>;
