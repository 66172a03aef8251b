// A year in which 40 zones have campaigns: scheduled for their day, with a window, one recipient
// each. Nothing goes wrong; people pause, resume and cancel some of them around their openings.

import { isInsideWindow, nextOpening } from "../../src/domain/calling-window.ts";
import { startOfLocalDay } from "../../src/domain/time-zone.ts";
import { openDice, type Dice } from "../../src/simulator/dice.ts";
import { NO_FAULTS } from "./fault-mix.ts";
import { phoneOf, type ActPlan, type CampaignPlan, type WorldPlan } from "./world-plan.ts";
import { ZONES } from "./world-start.ts";

export const YEAR_ZONES: readonly string[] = [
  ...ZONES,
  "America/Anchorage",
  "America/Bogota",
  "America/Caracas",
  "America/Chicago",
  "America/Denver",
  "America/Halifax",
  "America/Mexico_City",
  "Asia/Dubai",
  "Asia/Kabul",
  "Asia/Karachi",
  "Asia/Manila",
  "Asia/Yangon",
  "Australia/Adelaide",
  "Australia/Perth",
  "Europe/Berlin",
  "Europe/Lisbon",
  "Pacific/Marquesas",
];

const YEAR_STARTS = "2027-01-01";
export const WEEKS = 52;
const DAY_MS = 86_400_000;
/** Of all campaigns, those that somebody touches. */
const TOUCHED = 0.1;

/** `weeks`: counted from the start of the year; in each of them every zone has a campaign. */
export function drawYear(seed: number, weeks: readonly number[]): WorldPlan {
  const dice = openDice(seed, "year");
  const startsAt = Date.UTC(2026, 11, 20);
  const number = {
    id: "num_0",
    phone: "+12025550100",
    keyId: "key_0",
    agentId: "agent_0",
    accountId: "acct_0",
  };
  const campaigns = weeks.flatMap((week) => {
    // One weekday and hour for all zones of a week, so that it goes around the world.
    const days = week * 7 + Math.floor(dice.between(0, 7));
    const scheduledDate = Temporal.PlainDate.from(YEAR_STARTS).add({ days }).toString();
    const start = Math.floor(dice.between(0, 96)) * 15;
    return YEAR_ZONES.map((zone, index): CampaignPlan => {
      return {
        id: `batchcall_${index}_${week}`,
        keyId: number.keyId,
        agentId: number.agentId,
        number,
        zone,
        // Overnight ones too: they belong to the day on which they open.
        window: {
          startMinutes: start,
          endMinutes: start === 0 ? 480 : ((start + 480 - 1) % 1_440) + 1,
          days: ["mon", "tue", "wed", "thu", "fri", "sat", "sun"],
        },
        scheduledDate,
        createdAt: startOfLocalDay(scheduledDate, "UTC") - 3 * DAY_MS,
        phones: [phoneOf(index * WEEKS + week)],
        retryPolicy: null,
        expiresAt: null,
        zoneGroups: [],
      };
    });
  });
  return {
    seed,
    startsAt,
    calmFrom: Date.UTC(2028, 0, 8),
    skewsMs: [0],
    keys: [
      {
        id: "key_0",
        limit: 40,
        maxCallsPerDay: null,
        maxCallsPerRecipient: null,
        hasWebhook: false,
      },
    ],
    accounts: [
      {
        id: "acct_0",
        sid: `AC${"0".repeat(32)}`,
        callsPerSecond: 20,
        maxConcurrentCalls: null,
        isProven: true,
        carrierCallsPerSecond: 20,
        carrierConcurrency: null,
      },
    ],
    numbers: [number],
    campaigns,
    singles: [],
    acts: campaigns.filter(() => dice.chance(TOUCHED)).flatMap((it) => drawTouch(dice, it)),
    faults: NO_FAULTS,
    rates: { invalid_number: 1 },
  };
}

/** Weeks in which the clocks of at least one zone change, with the week after each. */
export function weeksOfClockChanges(): ReadonlySet<number> {
  const start = Temporal.PlainDate.from(YEAR_STARTS);
  const weeks = new Set<number>();
  for (const zone of YEAR_ZONES) {
    let next = start.toZonedDateTime(zone).getTimeZoneTransition("next");
    while (next !== null && next.year === start.year) {
      const week = Math.floor(start.until(next.toPlainDate()).days / 7);
      weeks.add(week).add(week + 1);
      next = next.getTimeZoneTransition("next");
    }
  }
  return weeks;
}

/** The first instant at which a campaign may dial. */
export function openingOf(campaign: CampaignPlan): number {
  const { window, zone, scheduledDate, createdAt } = campaign;
  const from = scheduledDate === null ? null : startOfLocalDay(scheduledDate, zone);
  const opening = nextOpening(window, zone, createdAt, from);
  if (window !== null && !isInsideWindow(window, zone, opening.opensAt)) {
    throw new Error(`${campaign.id} opens outside its window`);
  }
  return opening.opensAt;
}

/** Within seconds of the opening, half of the time at its very edge. */
function drawTouch(dice: Dice, campaign: CampaignPlan): ActPlan[] {
  const opensAt = openingOf(campaign);
  const at =
    opensAt + (dice.chance(0.5) ? dice.pick([-1, 0, 1] as const) : dice.between(-3_000, 500));
  const pause = { at: Math.floor(at), isAtClaim: false, kind: "pause" as const, campaign };
  if (dice.chance(0.3)) return [{ ...pause, kind: "cancel" }];
  const resumeAt = Math.floor(at + dice.between(500, 20_000));
  return [pause, { ...pause, at: resumeAt, kind: "resume" }];
}
