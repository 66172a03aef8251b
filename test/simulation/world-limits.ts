// How long a world may take before it counts as stuck: in virtual time once nothing goes wrong any
// more, and in ticks, whatever its clock says.

import type { Instant } from "../../src/domain/instant.ts";
import type { WorldPlan } from "./world-plan.ts";

/** Without windows a calm world is done within this, and a while for each recipient. */
const CALM_MS = 60 * 60_000;
/** A webhook is tried again for this long, and a while more. */
const CALM_WITH_WEBHOOKS_MS = 3 * 60 * 60_000;
const CALM_PER_RECIPIENT_MS = 4 * 60_000;
/** Windows open at least once a week. A narrow one takes a few people each time. */
const CALM_WITH_WINDOWS_MS = 120 * 86_400_000;
/** Ten times what a world needs: one that goes on in circles is stuck. */
const MAX_TICKS = 4_000;
const MAX_TICKS_PER_RECIPIENT = 100;

/** When a calm world must have finished. */
export function deadlineOf(plan: WorldPlan, recipients: number): Instant {
  const { calmFrom, campaigns, keys, acts } = plan;
  const waitsForDays =
    campaigns.some((it) => it.window ?? it.scheduledDate ?? it.retryPolicy) ||
    acts.some((it) => it.kind === "edit_window" || it.kind === "edit_retries") ||
    keys.some((key) => key.maxCallsPerDay ?? key.maxCallsPerRecipient);
  if (waitsForDays) return calmFrom + CALM_WITH_WINDOWS_MS;
  const restMs = keys.some((key) => key.hasWebhook) ? CALM_WITH_WEBHOOKS_MS : CALM_MS;
  return calmFrom + restMs + recipients * CALM_PER_RECIPIENT_MS;
}

export function mostTicks(recipients: number): number {
  return MAX_TICKS + recipients * MAX_TICKS_PER_RECIPIENT;
}
