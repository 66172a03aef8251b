// The operator's emergency stop: one switch for the whole installation, over every key.

import { z } from "zod";

export const StopRequest = z
  .object({ reason: z.string().max(500).nullable().optional() })
  .meta({ id: "StopDialing", examples: [{ reason: "Wrong list uploaded" }] });

export const DialingStatus = z
  .object({
    dialing: z.enum(["running", "stopped"]),
    stopped_at: z.string().nullable(),
    reason: z.string().nullable(),
  })
  .meta({ id: "DialingStatus" });
export type DialingStatus = z.infer<typeof DialingStatus>;
