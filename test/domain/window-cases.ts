// Random questions about calling windows, half of them pulled to the edges where mistakes live:
// local midnight, window bounds, clock changes, dropped and repeated days, leap days, year ends.

import type { Random } from "../../src/ports/random.ts";
import type { OracleGroup, ZoneChange } from "./zone-oracle.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const FIRST_AT = Date.UTC(1970, 0, 20);
const LAST_AT = Date.UTC(2037, 10, 1);

// The strangest changes, which a draw among all zones would rarely meet.
const STRANGE_MOMENTS: readonly (readonly [zone: string, at: number])[] = [
  ["Pacific/Apia", Date.UTC(2011, 11, 30, 10)],
  ["Pacific/Fakaofo", Date.UTC(2011, 11, 30, 11)],
  ["Pacific/Kwajalein", Date.UTC(1993, 7, 21, 12)],
  ["Pacific/Enderbury", Date.UTC(1994, 11, 31, 11)],
  ["Pacific/Kiritimati", Date.UTC(1994, 11, 31, 10)],
  ["Australia/Lord_Howe", Date.UTC(2026, 3, 4, 15)],
  ["America/St_Johns", Date.UTC(2008, 10, 2, 2, 31)],
  ["America/Havana", Date.UTC(2026, 10, 1, 5)],
  ["America/Sao_Paulo", Date.UTC(2018, 1, 18, 2)],
  ["Africa/Monrovia", Date.UTC(1972, 0, 7, 0, 44, 30)],
  ["Asia/Kathmandu", Date.UTC(1985, 11, 31, 18, 30)],
  ["Asia/Pyongyang", Date.UTC(2018, 4, 4, 15)],
];

const NEAR_MS = [0, 1, 1_000, MINUTE_MS].flatMap((delta) => [delta, -delta]);
const ISO_DAYS = [1, 2, 3, 4, 5, 6, 7];
const BOUND_MINUTES = [0, 1, 30, 60, 90, 119, 120, 121, 180, 540, 1080, 1380, 1439, 1440];

export interface WindowCases {
  readonly groups: readonly OracleGroup[];
  readonly cases: readonly { readonly group: number; readonly at: number }[];
}

/** `groupCount` windows, each in a zone (all in turn), with `casesPerGroup` instants each. */
export function drawWindowCases(
  random: Random,
  changes: ReadonlyMap<string, readonly ZoneChange[]>,
  zones: readonly string[],
  groupCount: number,
  casesPerGroup: number,
): WindowCases {
  const groups: OracleGroup[] = [];
  const cases: { group: number; at: number }[] = [];
  for (let index = 0; index < groupCount; index += 1) {
    const group = drawGroup(random, changes, zones[index % zones.length] ?? "UTC");
    const near = (changes.get(group.zone) ?? []).filter(
      (it) => it.at > group.aroundAt - 4 * DAY_MS && it.at < group.aroundAt + 8 * DAY_MS,
    );
    groups.push(group);
    for (let n = 0; n < casesPerGroup; n += 1) {
      const at = n % 2 === 0 ? drawEdge(random, group, near) : drawInstant(random, group);
      cases.push({ group: index, at });
    }
  }
  return { groups, cases };
}

function drawGroup(
  random: Random,
  changes: ReadonlyMap<string, readonly ZoneChange[]>,
  ownZone: string,
): OracleGroup {
  const strange = random.fraction() < 0.12 ? pick(random, STRANGE_MOMENTS) : null;
  const zone = strange?.[0] ?? ownZone;
  const aroundAt = strange?.[1] ?? drawMoment(random, changes.get(zone) ?? []);
  // Openings that touch over days are what such moments tear or join.
  const isWide = strange !== null && random.fraction() < 0.5;
  return {
    zone,
    ...drawBounds(random, isWide),
    isoDays: drawDays(random, isWide),
    aroundAt,
    opensFrom: random.fraction() < 0.3 ? aroundAt + between(random, -3, 8) * DAY_MS : null,
  };
}

function drawBounds(
  random: Random,
  isWide: boolean,
): Pick<OracleGroup, "startMinutes" | "endMinutes"> {
  if (random.fraction() < (isWide ? 0.8 : 0.1)) return { startMinutes: 0, endMinutes: 1440 };
  const startMinutes = drawBound(random, 1439);
  const endMinutes = Math.max(1, drawBound(random, 1440));
  if (endMinutes !== startMinutes) return { startMinutes, endMinutes };
  return { startMinutes, endMinutes: startMinutes === 1 ? 1440 : 1 };
}

function drawDays(random: Random, isWide: boolean): number[] {
  if (random.fraction() < (isWide ? 0.8 : 0.1)) {
    const closed = between(random, 1, 7);
    return ISO_DAYS.filter((day) => day !== closed);
  }
  if (random.fraction() < 0.15) return [...ISO_DAYS];
  const mask = between(random, 1, 127);
  return ISO_DAYS.filter((day) => (mask & (1 << (day - 1))) !== 0);
}

/** A moment to ask around: any, a leap day, the end of a year, or (every other time) a change. */
function drawMoment(random: Random, changes: readonly ZoneChange[]): number {
  const usable = changes.filter((it) => it.at > FIRST_AT && it.at < LAST_AT);
  const dice = random.fraction();
  if (dice < 0.5 && usable.length > 0) return pick(random, usable).at;
  if (dice < 0.65) return Date.UTC(1972 + 4 * between(random, 0, 16), 1, 29, 12);
  if (dice < 0.8) return Date.UTC(between(random, 1971, 2037), 0, 1);
  return between(random, FIRST_AT, LAST_AT);
}

function drawEdge(random: Random, group: OracleGroup, near: readonly ZoneChange[]): number {
  const change = near.length > 0 ? pick(random, near) : null;
  const delta = pick(random, NEAR_MS);
  if (change !== null && random.fraction() < 0.4) return change.at + delta;
  const day = Math.floor(group.aroundAt / DAY_MS) + between(random, -2, 2);
  const minute = pick(random, [0, group.startMinutes, group.endMinutes]);
  const offset = change === null ? null : pick(random, [change.before, change.after]);
  const local = day * DAY_MS + minute * MINUTE_MS;
  return local - (offset ?? offsetNear(group.zone, local)) * 1_000 + delta;
}

function drawInstant(random: Random, group: OracleGroup): number {
  return group.aroundAt + between(random, -3 * DAY_MS, 7 * DAY_MS);
}

// Where to ask, not what to expect: the runtime's own rules will do.
function offsetNear(zone: string, at: number): number {
  const local = Temporal.Instant.fromEpochMilliseconds(at).toZonedDateTimeISO(zone);
  return local.offsetNanoseconds / 1e9;
}

function drawBound(random: Random, max: number): number {
  const minute = random.fraction() < 0.5 ? pick(random, BOUND_MINUTES) : between(random, 0, max);
  return Math.min(minute, max);
}

/** A whole number from `min` to `max`, both included. */
function between(random: Random, min: number, max: number): number {
  return min + Math.floor(random.fraction() * (max - min + 1));
}

function pick<T>(random: Random, values: readonly T[]): T {
  const value = values[Math.floor(random.fraction() * values.length)];
  if (value === undefined) throw new Error("nothing to pick from");
  return value;
}
