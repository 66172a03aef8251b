// Which fault strikes one request to the pretend model.

import type { Faults } from "../control/faults.ts";
import type { Dice } from "../dice.ts";

export type StreamFault = "fail_before_first_token" | "fail_mid_stream" | "stall";

export interface ModelFault {
  /** Refused with this HTTP status; null: answered. */
  readonly status: number | null;
  /** Added to the wait for the first token. */
  readonly slowMs: number;
  /** What breaks a streamed answer; answers that are not streamed come whole. */
  readonly stream: StreamFault | null;
}

export function drawModelFault(dice: Dice, faults: Faults["model"]): ModelFault {
  // Every fault is drawn each time, so that changing one probability leaves the others' dice alone.
  const isThrottled = dice.chance(faults.too_many_requests.probability);
  const isBroken = dice.chance(faults.server_error.probability);
  const { slow } = faults;
  const slowMs = dice.chance(slow.probability) ? dice.between(slow.min_ms, slow.max_ms) : 0;
  const kinds = ["fail_before_first_token", "fail_mid_stream", "stall"] as const;
  const struck = kinds.filter((kind) => dice.chance(faults[kind].probability));
  return {
    status: isThrottled ? 429 : isBroken ? 500 : null,
    slowMs,
    stream: struck[0] ?? null,
  };
}
