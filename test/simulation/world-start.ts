// When and where a world begins: any day of the coming years in one of the zones that make trouble,
// often within minutes of a clock change, of midnight or of a leap day.

import type { Instant } from "../../src/domain/instant.ts";
import type { Dice } from "../../src/simulator/dice.ts";

export interface WorldStart {
  readonly at: Instant;
  readonly zone: string;
}

export const ZONES = [
  "Europe/London",
  "America/New_York",
  "America/Los_Angeles",
  "America/Phoenix",
  "America/St_Johns",
  "America/Sao_Paulo",
  "America/Santiago",
  "Africa/Cairo",
  "Africa/Casablanca",
  "Asia/Kolkata",
  "Asia/Kathmandu",
  "Asia/Tokyo",
  "Asia/Tehran",
  "Australia/Sydney",
  "Australia/Lord_Howe",
  "Australia/Eucla",
  "Pacific/Auckland",
  "Pacific/Chatham",
  "Pacific/Apia",
  "Pacific/Honolulu",
  "Pacific/Kiritimati",
  "Atlantic/Azores",
  "UTC",
] as const satisfies readonly [string, ...string[]];

const YEAR_MS = 365 * 86_400_000;
const FIRST: Instant = Date.UTC(2027, 0, 1);

export function drawStart(dice: Dice): WorldStart {
  const zone = dice.pick(ZONES);
  const anywhere = FIRST + Math.floor(dice.between(0, 5 * YEAR_MS));
  const edge = dice.chance(0.5) ? edgeAfter(anywhere, zone, dice) : anywhere;
  return { at: edge - Math.floor(dice.between(0, 300_000)), zone };
}

function edgeAfter(at: Instant, zone: string, dice: Dice): Instant {
  const local = Temporal.Instant.fromEpochMilliseconds(at).toZonedDateTimeISO(zone);
  const midnight = local.toPlainDate().add({ days: 1 }).toZonedDateTime(zone).epochMilliseconds;
  const change = local.getTimeZoneTransition("next")?.epochMilliseconds ?? midnight;
  const leapDay = Temporal.PlainDate.from("2028-02-29").toZonedDateTime(zone).epochMilliseconds;
  return dice.pick([midnight, change, change, leapDay] as const);
}
