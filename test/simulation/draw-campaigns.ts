// Campaigns of one world: their lists, their days and their windows. Windows are drawn around the
// world's start, so that they open, close and change while something happens.

import { WEEKDAYS, type CallingWindow } from "../../src/domain/calling-window.ts";
import { nextCommonOpening } from "../../src/domain/opening-in-all-zones.ts";
import { RETRYABLE_REASONS, type RetryPolicy } from "../../src/domain/retry-policy.ts";
import { localDateOf } from "../../src/domain/time-zone.ts";
import type { Dice } from "../../src/simulator/dice.ts";
import { phoneOf, type CampaignPlan, type NumberPlan } from "./world-plan.ts";
import { ZONES, type WorldStart } from "./world-start.ts";

const MINUTES_PER_DAY = 1_440;

export function drawCampaigns(
  dice: Dice,
  world: {
    readonly numbers: readonly NumberPlan[];
    readonly start: WorldStart;
    readonly faultsMs: number;
  },
): CampaignPlan[] {
  const count = Math.ceil(dice.between(0, 3.4));
  return Array.from({ length: count }, (_, index) => {
    const number = dice.pick(world.numbers as unknown as [NumberPlan, ...NumberPlan[]]);
    const zone = dice.chance(0.7) ? world.start.zone : dice.pick(ZONES);
    const earliest =
      world.start.at + (dice.chance(0.6) ? 0 : Math.floor(dice.between(0, world.faultsMs / 2)));
    const window = dice.chance(0.45) ? null : drawWindow(dice, earliest, zone);
    const createdAt = window === null ? earliest : pulledToClosing(dice, earliest, window, zone);
    const scheduledDate = dice.chance(0.7) ? null : drawDate(dice, createdAt, zone);
    return {
      id: `batchcall_${index}`,
      keyId: number.keyId,
      agentId: number.agentId,
      number,
      zone,
      window,
      scheduledDate,
      createdAt,
      phones: drawPhones(dice),
      retryPolicy: dice.chance(0.7) ? null : drawRetryPolicy(dice),
      expiresAt: dice.chance(0.8) ? null : createdAt + Math.floor(drawLifeMs(dice)),
      zoneGroups:
        window === null || dice.chance(0.6)
          ? []
          : drawZoneGroups(dice, { window, zone, scheduledDate, createdAt }),
    };
  });
}

/** Often few phones, so that lists share them, and some twice in one list. */
function drawPhones(dice: Dice): string[] {
  const count = Math.ceil(dice.between(0, dice.chance(0.15) ? 20 : 7));
  const pool = dice.chance(0.3) ? 4 : 60;
  return Array.from({ length: count }, () => phoneOf(Math.floor(dice.between(0, pool))));
}

/** Minutes, so that retries come while things still go wrong. */
export function drawRetryPolicy(dice: Dice): RetryPolicy {
  return {
    ended_reasons: dice.chance(0.5) ? RETRYABLE_REASONS : ["no-answer", "busy"],
    max_attempts: dice.pick([2, 2, 3] as const),
    after_minutes: dice.pick<readonly number[]>([[1], [1, 3], [5]]),
    max_per_day: dice.chance(0.3) ? dice.pick([1, 2] as const) : null,
    at_minutes: dice.chance(0.2) ? [Math.floor(dice.between(0, MINUTES_PER_DAY))] : [],
  };
}

/** Often so short that it ends while its first calls are being made. */
export function drawLifeMs(dice: Dice): number {
  if (dice.chance(0.5)) return dice.between(200, 4_000);
  return dice.chance(0.7) ? dice.between(5_000, 240_000) : dice.between(0.5, 4) * 86_400_000;
}

function drawZoneGroups(
  dice: Dice,
  campaign: Pick<CampaignPlan, "zone" | "scheduledDate" | "createdAt"> & {
    readonly window: CallingWindow;
  },
): string[][] {
  const { window, zone, scheduledDate, createdAt } = campaign;
  const drawn = Array.from({ length: Math.ceil(dice.between(0, 3)) }, () => {
    const first = dice.chance(0.5) ? zone : dice.pick(ZONES);
    return dice.chance(0.3) ? [first] : [first, dice.pick(ZONES)].toSorted();
  });
  const sets = new Map(drawn.map((zones) => [...new Set(zones)]).map((it) => [it.join(), it]));
  // The API refuses recipients for whom the window is never open.
  return [...sets.values()].filter(
    (zones) => nextCommonOpening(window, zones, createdAt, scheduledDate) !== null,
  );
}

function drawDate(dice: Dice, at: number, zone: string): string {
  const days = dice.pick([0, 0, 1, 3] as const);
  return Temporal.PlainDate.from(localDateOf(at, zone)).add({ days }).toString();
}

export function drawWindow(dice: Dice, at: number, zone: string): CallingWindow {
  const local = Temporal.Instant.fromEpochMilliseconds(at).toZonedDateTimeISO(zone);
  const minute = local.hour * 60 + local.minute;
  const opensIn = dice.chance(0.5) ? dice.between(-120, -1) : dice.between(0, 6);
  const lengthMinutes = dice.chance(0.4) ? dice.between(1, 8) : dice.between(30, 900);
  const start = wrapMinute(Math.floor(minute + opensIn));
  // Often it closes while its first recipients are being called.
  const closesSoon = opensIn < 0 && dice.chance(0.5);
  const end = closesSoon ? wrapMinute(minute + 1) : wrapMinute(Math.floor(start + lengthMinutes));
  const endMinutes = end === 0 ? MINUTES_PER_DAY : end;
  const isOfDays = dice.chance(0.3);
  const days = WEEKDAYS.filter(() => !isOfDays || dice.chance(0.5));
  return {
    startMinutes: start,
    endMinutes: endMinutes === start ? endMinutes + 1 : endMinutes,
    days: days.length === 0 ? WEEKDAYS : days,
  };
}

const MINUTE_MS = 60_000;
const CLOSING_MS = 2_500;

/** When its window closes with this minute: mostly so late that its first calls are caught. */
function pulledToClosing(dice: Dice, at: number, window: CallingWindow, zone: string): number {
  const nextMinute = Math.ceil((at + 1) / MINUTE_MS) * MINUTE_MS;
  const local = Temporal.Instant.fromEpochMilliseconds(nextMinute).toZonedDateTimeISO(zone);
  const minute = local.hour * 60 + local.minute;
  const isClosing = minute === window.endMinutes % MINUTES_PER_DAY;
  const beforeMs = Math.floor(dice.between(0, CLOSING_MS));
  return isClosing && dice.chance(0.8) ? Math.max(at, nextMinute - beforeMs) : at;
}

function wrapMinute(minute: number): number {
  return ((minute % MINUTES_PER_DAY) + MINUTES_PER_DAY) % MINUTES_PER_DAY;
}
