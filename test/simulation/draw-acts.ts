// What people do to a world, and when: spread over it, or just after a campaign was made, or at the
// worst moment.

import type { Instant } from "../../src/domain/instant.ts";
import { openDice, type Dice } from "../../src/simulator/dice.ts";
import type { ActKind, ActPlan, CampaignPlan } from "./world-plan.ts";

const ACTS: readonly [ActKind, ...ActKind[]] = [
  "pause",
  "pause",
  "resume",
  "resume",
  "launch",
  "launch_in_window",
  "cancel",
  "cancel_and_hang_up",
  "suppress",
  "suppress",
  "lower_limit",
  "lower_limit",
  "stop_dialing",
  "restart_dialing",
];

/** What is done in mid-campaign, to a part of all worlds. */
const EDITS: readonly [ActKind, ...ActKind[]] = [
  "edit_window",
  "edit_window",
  "edit_end",
  "edit_retries",
  "append",
  "append",
  "settle_by_hand",
  "revoke_key",
];

export function drawActs(
  seed: number,
  campaigns: readonly CampaignPlan[],
  startsAt: Instant,
  calmFrom: Instant,
): ActPlan[] {
  if (campaigns.length === 0) return [];
  const during = { campaigns, startsAt, calmFrom };
  const verbs = openDice(seed, "acts");
  const edits = openDice(seed, "edits");
  return [
    ...(verbs.chance(0.25) ? [] : draw(verbs, ACTS, during)),
    ...(edits.chance(0.6) ? [] : draw(edits, EDITS, during)),
  ].toSorted((a, b) => a.at - b.at);
}

function draw(
  dice: Dice,
  kinds: readonly [ActKind, ...ActKind[]],
  during: {
    readonly campaigns: readonly CampaignPlan[];
    readonly startsAt: Instant;
    readonly calmFrom: Instant;
  },
): ActPlan[] {
  const { campaigns, startsAt, calmFrom } = during;
  return Array.from({ length: Math.ceil(dice.between(0, 8)) }, () => {
    const campaign = dice.pick(campaigns as unknown as [CampaignPlan, ...CampaignPlan[]]);
    const spread = startsAt + dice.between(0, calmFrom - startsAt);
    // Just after the campaign was made most is under way.
    const early = campaign.createdAt + dice.between(0, 15_000);
    return {
      at: Math.floor(Math.min(dice.chance(0.5) ? spread : early, calmFrom - 1)),
      isAtClaim: dice.chance(0.5),
      kind: dice.pick(kinds),
      campaign,
    };
  });
}
