// What measurements of the database's clock lead to: exact time, and a refusal to act when it
// cannot be exact.

import fc from "fast-check";
import { expect, test } from "vitest";
import {
  applySample,
  decideClockState,
  MAX_JUMP_MS,
  MAX_ROUND_TRIP_MS,
  STALE_AFTER_MS,
  type ClockOffset,
  type ClockSample,
} from "../../src/app/clock-offset.ts";

const EPOCH = Date.UTC(2026, 2, 1);

interface Answer {
  readonly monotonicMs: number;
  /** The true distance of the two clocks at the moment the database looked at its own. */
  readonly offsetMs?: number;
  readonly roundTripMs?: number;
  /** Where in the round trip the database looked, 0 to 1. */
  readonly moment?: number;
  readonly wallLeadMs?: number;
}

function sample(answer: Answer): ClockSample {
  const roundTripMs = answer.roundTripMs ?? 1;
  const askedMonotonicMs = answer.monotonicMs - roundTripMs;
  const lookedMs = askedMonotonicMs + roundTripMs * (answer.moment ?? 0.5);
  return {
    askedMonotonicMs,
    answeredMonotonicMs: answer.monotonicMs,
    wallMs: answer.monotonicMs + (answer.wallLeadMs ?? EPOCH),
    databaseAt: lookedMs + (answer.offsetMs ?? EPOCH),
  };
}

function believe(...answers: Answer[]): ClockOffset | null {
  return answers.map(sample).reduce<ClockOffset | null>(applySample, null);
}

function stateAt(belief: ClockOffset | null, monotonicMs: number, wallLeadMs = EPOCH): string {
  return decideClockState(belief, monotonicMs, monotonicMs + wallLeadMs).kind;
}

test("nothing is acted on before the first answer, or when it took too long", () => {
  expect(stateAt(null, 0)).toBe("degraded");
  expect(believe({ monotonicMs: 9_000, roundTripMs: MAX_ROUND_TRIP_MS + 1 })).toBeNull();
});

test("the offset is right to within half of the round trip", () => {
  const roundTrips = fc.double({ min: 0, max: MAX_ROUND_TRIP_MS, noNaN: true });
  const moments = fc.double({ min: 0, max: 1, noNaN: true });
  fc.assert(
    fc.property(roundTrips, moments, (roundTripMs, moment) => {
      const belief = believe({ monotonicMs: 9_000, roundTripMs, moment });
      expect(Math.abs((belief?.offsetMs ?? 0) - EPOCH)).toBeLessThanOrEqual(roundTripMs / 2 + 1e-3);
    }),
  );
});

test("a slow answer that agrees confirms the exact one and does not replace it", () => {
  const belief = believe(
    { monotonicMs: 1_000, roundTripMs: 0.2 },
    { monotonicMs: 4_000, roundTripMs: 200, moment: 0 },
  );
  expect(belief?.offsetMs).toBeCloseTo(EPOCH, 0);
  expect(stateAt(belief, 4_000 + STALE_AFTER_MS)).toBe("steady");
});

test("a clock that drifts is followed without ever being doubted", () => {
  const driftPerMs = 0.0004;
  let belief: ClockOffset | null = null;
  for (let monotonicMs = 0; monotonicMs <= 3_600_000; monotonicMs += 3_000) {
    const offsetMs = EPOCH + monotonicMs * driftPerMs;
    belief = applySample(belief, sample({ monotonicMs, offsetMs, wallLeadMs: offsetMs }));
    expect(stateAt(belief, monotonicMs, offsetMs)).toBe("steady");
    expect(Math.abs((belief?.offsetMs ?? 0) - offsetMs)).toBeLessThan(3);
  }
});

test("an offset that went stale is degraded until the next answer", () => {
  const first = believe({ monotonicMs: 1_000 });
  expect(stateAt(first, 1_000 + STALE_AFTER_MS)).toBe("steady");
  expect(stateAt(first, 1_001 + STALE_AFTER_MS)).toBe("degraded");
  const again = applySample(first, sample({ monotonicMs: 60_000 }));
  expect(stateAt(again, 60_000)).toBe("steady");
});

test("a jump is degraded until a second answer agrees with it, and only then believed", () => {
  const stepped = EPOCH + MAX_JUMP_MS + 10;
  const before = believe({ monotonicMs: 1_000 });
  const doubted = applySample(before, sample({ monotonicMs: 4_000, offsetMs: stepped }));
  expect(decideClockState(doubted, 4_000, 4_000 + EPOCH)).toEqual({
    kind: "degraded",
    reason: `the database's clock jumped by ${MAX_JUMP_MS + 10} ms`,
  });
  expect(doubted?.offsetMs).toBe(EPOCH);
  const agreed = applySample(doubted, sample({ monotonicMs: 7_000, offsetMs: stepped }));
  expect(agreed?.offsetMs).toBe(stepped);
  expect(stateAt(agreed, 7_000)).toBe("steady");
});

test("a jump that the next answer takes back leaves the old offset", () => {
  const belief = believe(
    { monotonicMs: 1_000 },
    { monotonicMs: 4_000, offsetMs: EPOCH - 86_400_000 },
    { monotonicMs: 7_000 },
  );
  expect(belief?.offsetMs).toBe(EPOCH);
  expect(stateAt(belief, 7_000)).toBe("steady");
});

test("two different jumps are never believed", () => {
  const belief = believe(
    { monotonicMs: 1_000 },
    { monotonicMs: 4_000, offsetMs: EPOCH + 60_000 },
    { monotonicMs: 7_000, offsetMs: EPOCH - 60_000 },
  );
  expect(belief?.offsetMs).toBe(EPOCH);
  expect(stateAt(belief, 7_000)).toBe("degraded");
});

test("a machine that slept does not act on its old offset", () => {
  const belief = believe({ monotonicMs: 1_000 });
  expect(stateAt(belief, 2_000, EPOCH + 3_600_000)).toBe("degraded");
  expect(stateAt(belief, 2_000, EPOCH + 900)).toBe("steady");
});
