// The carrier's rules on a clock that tests move: queue, dialing, ringing, ends, books.

import fc from "fast-check";
import { expect, test } from "vitest";
import { AccountSettings, createAccount } from "../../src/simulator/carrier-model/account.ts";
import {
  maxInOneSecond,
  maxOpen,
  summarizeBooks,
} from "../../src/simulator/carrier-model/books-summary.ts";
import { CallBooks } from "../../src/simulator/carrier-model/call-books.ts";
import { createCallRecord, moveCall } from "../../src/simulator/carrier-model/call.ts";
import type { Call } from "../../src/simulator/carrier-model/call.ts";
import { Carrier } from "../../src/simulator/carrier-model/carrier.ts";
import { REAL_DELAYS } from "../../src/simulator/carrier-model/carrier-delays.ts";
import { parseCreateCallRequest } from "../../src/simulator/carrier-model/create-call-request.ts";
import { defaultAccount } from "../../src/simulator/carrier-model/default-account.ts";
import { DialQueue } from "../../src/simulator/carrier-model/dial-queue.ts";
import type { PhoneLine } from "../../src/simulator/carrier-model/phone-line.ts";
import { openDice } from "../../src/simulator/dice.ts";
import { createPace } from "../../src/simulator/pace.ts";
import { FROM } from "./test-simulator.ts";
import { VirtualClock } from "./virtual-clock.ts";

interface World {
  readonly clock: VirtualClock;
  readonly carrier: Carrier;
  readonly books: CallBooks;
  /** `<event> <status>` of every event announced, in order. */
  readonly events: string[];
  readonly dial: (to: string, fields?: Record<string, string>) => Call;
}

function createWorld(
  line: PhoneLine,
  settings: { cps?: number; max_concurrent_calls?: number } = {},
  speed = 1,
): World {
  const clock = new VirtualClock();
  const pace = createPace(clock, speed);
  const books = new CallBooks(1_000);
  const events: string[] = [];
  const sids = openDice(1, "sids");
  const carrier = new Carrier({
    pace,
    books,
    phoneBook: { lineOf: () => line, personaOf: () => "test" },
    delays: REAL_DELAYS,
    dice: openDice(1, "carrier"),
    listener: {
      progressed: (call, event) => events.push(`${event} ${call.status}`),
      answered: () => undefined,
      ended: (_call, done) => done(),
    },
    createCallSid: () => `CA${sids.hex(32)}`,
    drawListLagMs: () => 0,
  });
  const account = createAccount(
    AccountSettings.parse({ ...defaultAccount, cps: 1000, ...settings }),
  );
  const dial = (to: string, fields: Record<string, string> = {}) => {
    const twiml = "<Response/>";
    const form = new URLSearchParams({ To: to, From: FROM, Twiml: twiml, ...fields });
    const request = parseCreateCallRequest(form);
    if ("kind" in request) throw new Error(request.message);
    const call = carrier.create(account, request);
    if ("kind" in call) throw new Error(call.message);
    return call;
  };
  return { clock, carrier, books, events, dial };
}

const TO = "+12025550123";

test("an answered call goes through every state and announces each once", () => {
  const { clock, carrier, events, dial } = createWorld({ kind: "answers", ringMs: 5_000 });
  const call = dial(TO);
  clock.advance(10_000);
  expect(call.status).toBe("in-progress");
  carrier.hangUp(call, "test");
  clock.advance(1_000);
  expect(call.history.map((step) => step.status)).toEqual([
    "queued",
    "initiated",
    "ringing",
    "in-progress",
    "completed",
  ]);
  expect(events).toEqual([
    "initiated queued",
    "ringing ringing",
    "answered in-progress",
    "completed completed",
  ]);
  expect(carrier.hangUp(call, "again")).toBe(false);
  expect(carrier.cancel(call)).toBe(false);
});

test.each([
  [{ kind: "busy" }, "busy", 486],
  [{ kind: "rings_out" }, "no-answer", 487],
  [{ kind: "rejects", ringMs: 3_000 }, "no-answer", 603],
  [{ kind: "unallocated" }, "failed", 404],
  [{ kind: "network_fails" }, "failed", 503],
  [{ kind: "answers", ringMs: 90_000 }, "no-answer", 487],
] as const)("a line that %o ends %s with SIP code %i", (line, status, sip) => {
  const { clock, events, dial } = createWorld(line);
  const call = dial(TO, { Timeout: "20" });
  clock.advance(40_000);
  expect(call).toMatchObject({ status, sipResponseCode: sip, answeredAt: null });
  expect(events.filter((event) => event.startsWith("completed"))).toEqual([`completed ${status}`]);
});

test("the speed divides ringing, and nothing of the carrier's own", () => {
  const { clock, dial } = createWorld({ kind: "answers", ringMs: 10_000 }, { cps: 1 }, 100);
  const calls = [dial("+12025550110"), dial("+12025550111")];
  clock.advance(5_000);
  const [first, second] = calls.map((call) => ({
    untilInitiated: call.dialedAt! - call.createdAt,
    ringing: call.answeredAt! - call.history.find((step) => step.status === "ringing")!.at,
  }));
  expect(first!.untilInitiated).toBeGreaterThanOrEqual(280);
  expect(first!.untilInitiated).toBeLessThanOrEqual(390);
  expect(first!.ringing).toBeCloseTo(100, 5);
  // The second waits its second in the queue.
  expect(second!.untilInitiated).toBeGreaterThanOrEqual(1_280);
});

test("a call is cut off at its time limit, which the speed does not divide", () => {
  const { clock, dial } = createWorld({ kind: "answers", ringMs: 0 }, {}, 50);
  const call = dial(TO, { TimeLimit: "60" });
  clock.advance(59_000);
  expect(call.status).toBe("in-progress");
  clock.advance(5_000);
  expect(call).toMatchObject({ status: "completed", endedBecause: "time limit" });
});

test("a phone that is on a call is busy to the next", () => {
  const { clock, dial } = createWorld({ kind: "answers", ringMs: 1_000 });
  const first = dial(TO);
  clock.advance(3_000);
  const second = dial(TO);
  clock.advance(3_000);
  expect([first.status, second.status]).toEqual(["in-progress", "busy"]);
});

test("no two turns of the queue are closer than the pace, whatever joins and leaves", () => {
  const step = fc.record({ waitMs: fc.integer({ min: 0, max: 900 }), leaves: fc.boolean() });
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 40 }),
      fc.integer({ min: 1, max: 20 }),
      (steps, cps) => {
        const clock = new VirtualClock();
        const queue = new DialQueue(clock, cps);
        const turns: number[] = [];
        const order: number[] = [];
        steps.forEach(({ waitMs, leaves }, index) => {
          queue.join(String(index), () => {
            turns.push(clock.now());
            order.push(index);
          });
          if (leaves) queue.leave(String(index));
          clock.advance(waitMs);
        });
        clock.advance(60_000);
        expect(queue.length).toBe(0);
        expect(order).toEqual(steps.flatMap(({ leaves }, index) => (leaves ? [] : [index])));
        for (let i = 1; i < turns.length; i += 1) {
          expect(turns[i]! - turns[i - 1]!).toBeGreaterThanOrEqual(1000 / cps - 0.001);
        }
      },
    ),
  );
});

test("calls up never exceed the account's concurrency, and every call gets one final status", () => {
  const dials = fc.array(fc.integer({ min: 0, max: 5_000 }), { minLength: 1, maxLength: 30 });
  fc.assert(
    fc.property(dials, fc.integer({ min: 1, max: 4 }), (gaps, limit) => {
      const world = createWorld({ kind: "rings_out" }, { max_concurrent_calls: limit });
      gaps.forEach((gap, index) => {
        world.dial(`+120255501${String(index).padStart(2, "0")}`.replace("+12025550100", TO));
        world.clock.advance(gap);
      });
      world.clock.advance(120_000);
      const calls = [...world.books.calls()];
      const dialed = calls.filter((call) => call.dialedAt !== null);
      expect(maxOpen(dialed)).toBeLessThanOrEqual(limit);
      for (const call of calls) {
        expect(["no-answer", "busy"]).toContain(call.status);
        expect(call.notifications.length).toBe(call.dialedAt === null ? 1 : 0);
      }
      expect(world.events.filter((event) => event.startsWith("completed"))).toHaveLength(
        calls.length,
      );
    }),
  );
});

test("the books forget the oldest ended calls first and open ones never", () => {
  const books = new CallBooks(3);
  const add = (id: number, isOpen: boolean) => {
    const call = createCallRecord({
      sid: `CA${id}`,
      accountSid: "AC",
      to: `+1202555011${id}`,
      from: FROM,
      numberSid: null,
      direction: "outbound-api",
      request: null,
      createdAt: id,
      listedAt: id,
    });
    if (!isOpen) moveCall(call, "canceled", id);
    books.addCall(call);
  };
  add(1, true);
  for (const id of [2, 3, 4, 5]) add(id, false);
  expect([...books.calls()].map((call) => call.sid)).toEqual(["CA1", "CA4", "CA5"]);
  expect([...books.calls("+12025550112")]).toEqual([]);
  expect(summarizeBooks(books).forgottenCalls).toBe(2);
});

test("the fastest second is half-open", () => {
  const at = (arrivedAt: number) => ({ arrivedAt }) as Parameters<typeof maxInOneSecond>[0][number];
  expect(maxInOneSecond([0, 400, 999].map(at))).toBe(3);
  expect(maxInOneSecond([0, 400, 1000].map(at))).toBe(2);
  expect(maxInOneSecond([])).toBe(0);
});
