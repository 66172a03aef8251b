// Membership and next openings against PostgreSQL's own zone tables, over hundreds of thousands of
// drawn cases in every zone that both know. Where the two have different rules for a zone, the case
// is counted apart; any other disagreement is printed whole. PROPERTY_SEED=N repeats a run.

import { describe, expect, test } from "vitest";
import {
  isInsideWindow,
  nextOpening,
  WEEKDAYS,
  type CallingWindow,
} from "../../src/domain/calling-window.ts";
import { resolveTimeZone, zoneDataVersion } from "../../src/domain/time-zone.ts";
import fc from "fast-check";
import { seededRandom } from "../support/seeded-random.ts";
import { testDatabase } from "../support/test-database.ts";
import { drawWindowCases } from "./window-cases.ts";
import {
  addGroups,
  askOracle,
  oracleZones,
  setUpOracle,
  type OracleAnswer,
  type OracleGroup,
  type ZoneChange,
} from "./zone-oracle.ts";

const DAY_MS = 86_400_000;
const GROUPS = 6_000;
const CASES_PER_GROUP = 35;
const CASES_PER_QUERY = 30_000;
const MAX_DATA_DIFFERENCES = 0.01;

// Names of no place: PostgreSQL lists them, and the runtime has no zone of that name.
const NO_ZONES = ["Factory"];

const db = await testDatabase({ isEmpty: true, maxConnections: 2 });
const seed = fc.readConfigureGlobal().seed ?? 1;

describe("against PostgreSQL's zone tables", () => {
  test("membership and next openings agree in every zone", { timeout: 240_000 }, async () => {
    const postgres = await oracleZones(db);
    const zones = postgres.filter((zone) => resolveTimeZone(zone) !== null);
    const changes = await setUpOracle(db, zones);
    const { groups, cases } = drawWindowCases(
      seededRandom(seed),
      changes,
      zones,
      GROUPS,
      CASES_PER_GROUP,
    );
    await addGroups(db, groups);
    const differences = zoneDifferences(zones, changes);
    const disagreements: string[] = [];
    let differing = 0;
    for (let first = 0; first < cases.length; first += CASES_PER_QUERY) {
      const batch = cases.slice(first, first + CASES_PER_QUERY);
      const answers = await askOracle(db, batch);
      expect(answers).toHaveLength(batch.length);
      for (const [index, { group: id, at }] of batch.entries()) {
        const group = groups[id];
        const answer = answers[index];
        if (group === undefined || answer === undefined) throw new Error(`no answer for ${index}`);
        const problem = compare(group, at, answer);
        const seen = seenBy(group, at, answer);
        const isDifferent = differences.get(group.zone)?.some((it) => overlaps(it, seen)) ?? false;
        if (isDifferent) differing += 1;
        else if (problem !== null) disagreements.push(describeCase(group, at, answer, problem));
      }
    }
    console.log(
      `calling windows: ${cases.length} cases compared in ${zones.length} zones (runtime's data ` +
        `${zoneDataVersion()}), seed ${seed}; ${differing} touch different zone data: ` +
        ([...differences.keys()].join(", ") || "none"),
    );
    expect(disagreements.slice(0, 10), `PROPERTY_SEED=${seed}`).toEqual([]);
    expect(cases.length).toBeGreaterThanOrEqual(200_000);
    expect(differing / cases.length).toBeLessThan(MAX_DATA_DIFFERENCES);
  });

  test("each knows the other's zones, but for those listed", async () => {
    const postgres = await oracleZones(db);
    const known = new Set(postgres);
    expect(postgres.filter((zone) => resolveTimeZone(zone) === null)).toEqual(NO_ZONES);
    expect(Intl.supportedValuesOf("timeZone").filter((zone) => !known.has(zone))).toEqual([]);
  });
});

/** What the domain says otherwise than the oracle, or null. */
function compare(group: OracleGroup, at: number, expected: OracleAnswer): string | null {
  const window: CallingWindow = {
    startMinutes: group.startMinutes,
    endMinutes: group.endMinutes,
    days: WEEKDAYS.filter((_, index) => group.isoDays.includes(index + 1)),
  };
  const isInside = isInsideWindow(window, group.zone, at);
  if (isInside !== expected.isInside) return `isInsideWindow says ${isInside}`;
  const opening = nextOpening(window, group.zone, at, group.opensFrom);
  const said = `nextOpening says [${iso(opening.opensAt)}, ${iso(opening.closesAt)})`;
  if (opening.closesAt !== (expected.closesAt ?? Number.POSITIVE_INFINITY)) return said;
  const opensRight = expected.isOpen
    ? opening.opensAt <= at && opening.opensAt >= (expected.opensAt ?? Number.NEGATIVE_INFINITY)
    : opening.opensAt === expected.opensAt;
  return opensRight ? null : said;
}

function describeCase(
  group: OracleGroup,
  at: number,
  expected: OracleAnswer,
  problem: string,
): string {
  const { opensAt, closesAt, ...rest } = expected;
  return JSON.stringify({
    problem,
    at: iso(at),
    ...group,
    opensFrom: iso(group.opensFrom),
    oracle: { ...rest, opensAt: iso(opensAt), closesAt: iso(closesAt) },
  });
}

type Span = readonly [startsAt: number, endsAt: number];

/** The time whose offsets the answer may depend on: from the days looked back on to the next. */
function seenBy(group: OracleGroup, at: number, answer: OracleAnswer): Span {
  const firstDay = group.opensFrom ?? at;
  const last = Math.max(at, firstDay, answer.opensAt ?? at, answer.closesAt ?? at);
  return [Math.min(at, answer.opensAt ?? at) - 3 * DAY_MS, last + DAY_MS];
}

/** Where the runtime's offset is another than PostgreSQL's, for each zone that has such times. */
function zoneDifferences(
  zones: readonly string[],
  changes: ReadonlyMap<string, readonly ZoneChange[]>,
): ReadonlyMap<string, readonly Span[]> {
  const found = new Map<string, Span[]>();
  for (const zone of zones) {
    const theirs = changes.get(zone) ?? [];
    const turns = [...runtimeTurns(zone), ...theirs.map((it) => it.at)].sort((a, b) => a - b);
    for (const [index, startsAt] of turns.entries()) {
      const endsAt = turns[index + 1] ?? LAST_TURN_AT;
      const offset = theirs.findLast((it) => it.at <= startsAt)?.after;
      if (endsAt <= startsAt || offset === undefined) continue;
      const local = Temporal.Instant.fromEpochMilliseconds(startsAt).toZonedDateTimeISO(zone);
      if (local.offsetNanoseconds / 1e9 === offset) continue;
      const spans = found.get(zone) ?? [];
      spans.push([startsAt, endsAt]);
      found.set(zone, spans);
    }
  }
  return found;
}

const FIRST_TURN_AT = Date.UTC(1969, 11, 1);
const LAST_TURN_AT = Date.UTC(2038, 4, 1);

function runtimeTurns(zone: string): number[] {
  const turns = [FIRST_TURN_AT];
  let at = Temporal.Instant.fromEpochMilliseconds(FIRST_TURN_AT).toZonedDateTimeISO(zone);
  for (;;) {
    const next = at.getTimeZoneTransition("next");
    if (next === null || next.epochMilliseconds >= LAST_TURN_AT) return turns;
    turns.push(next.epochMilliseconds);
    at = next;
  }
}

function overlaps(a: Span, b: Span): boolean {
  return a[0] < b[1] && b[0] < a[1];
}

function iso(at: number | null): string {
  return at !== null && Number.isFinite(at) ? new Date(at).toISOString() : "never";
}
