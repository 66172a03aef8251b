// What one seed's world consists of: who calls whom, when, within what limits, what goes wrong and
// what people do meanwhile. A new option of the product is added here, drawn in draw-world.ts or
// draw-campaigns.ts, and written in world-rows.ts.

import type { CallingWindow } from "../../src/domain/calling-window.ts";
import type { RetryPolicy } from "../../src/domain/retry-policy.ts";
import type { Instant } from "../../src/domain/instant.ts";
import type { PersonaRates } from "../../src/simulator/people/persona.ts";
import type { FaultMix } from "./fault-mix.ts";

export interface KeyPlan {
  readonly id: string;
  readonly limit: number;
  readonly maxCallsPerDay: number | null;
  /** Calls to one phone over all campaigns, per rolling period. */
  readonly maxCallsPerRecipient: PhoneCaps | null;
  readonly hasWebhook: boolean;
}

/** Where the events of a key's calls are told, if they are. */
export const WEBHOOK_URL = "https://hooks.example.com/calls";

export interface PhoneCaps {
  readonly per_24_hours?: number;
  readonly per_7_days?: number;
}

export interface AccountPlan {
  readonly id: string;
  readonly sid: string;
  readonly callsPerSecond: number;
  readonly maxConcurrentCalls: number | null;
  readonly isProven: boolean;
  /** What the carrier itself allows: mostly what we believe, sometimes less. */
  readonly carrierCallsPerSecond: number;
  readonly carrierConcurrency: number | null;
}

export interface NumberPlan {
  readonly id: string;
  readonly phone: string;
  readonly keyId: string;
  readonly agentId: string;
  readonly accountId: string;
}

export interface CampaignPlan {
  readonly id: string;
  readonly keyId: string;
  readonly agentId: string;
  readonly number: NumberPlan;
  readonly zone: string;
  readonly window: CallingWindow | null;
  /** A local day; null: at once. */
  readonly scheduledDate: string | null;
  readonly createdAt: Instant;
  readonly phones: readonly string[];
  /** null: nobody is called a second time. */
  readonly retryPolicy: RetryPolicy | null;
  /** Who was not reached by then is not called any more. */
  readonly expiresAt: Instant | null;
  /**
   * Sets of zones; the first is group 1. The window runs in the zones of each recipient's group, in
   * turn over the list. Empty: in the campaign's own zone.
   */
  readonly zoneGroups: readonly (readonly string[])[];
}

export interface SinglePlan {
  readonly number: NumberPlan;
  readonly phone: string;
  readonly createdAt: Instant;
}

export type ActKind =
  | "launch"
  | "launch_in_window"
  | "pause"
  | "resume"
  | "cancel"
  | "cancel_and_hang_up"
  | "suppress"
  | "lower_limit"
  | "stop_dialing"
  | "restart_dialing"
  | "edit_window"
  | "edit_end"
  | "edit_retries"
  | "append"
  | "settle_by_hand"
  | "revoke_key";

/** What a person does, on one campaign or key. */
export interface ActPlan {
  readonly at: Instant;
  /** Not at that instant but at the worst: just when the next calls have been reserved. */
  readonly isAtClaim: boolean;
  readonly kind: ActKind;
  readonly campaign: CampaignPlan;
}

export interface WorldPlan {
  readonly seed: number;
  readonly startsAt: Instant;
  /** Faults and people stop here; from then on everything must finish. */
  readonly calmFrom: Instant;
  /** One per process. */
  readonly skewsMs: readonly number[];
  readonly keys: readonly KeyPlan[];
  readonly accounts: readonly AccountPlan[];
  readonly numbers: readonly NumberPlan[];
  readonly campaigns: readonly CampaignPlan[];
  readonly singles: readonly SinglePlan[];
  readonly acts: readonly ActPlan[];
  readonly faults: FaultMix;
  readonly rates: PersonaRates;
}

/** Phones that ring nobody: +1 NPA 555-01xx. */
export function phoneOf(index: number): string {
  return `+1${303 + Math.floor(index / 100)}55501${String(index % 100).padStart(2, "0")}`;
}
