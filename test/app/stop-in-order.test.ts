// Stopping in bounded time: in the opposite order, over whatever fails, past whatever hangs.

import { setImmediate as later } from "node:timers/promises";
import { expect, test } from "vitest";
import { stopInOrder, type Stop } from "../../src/app/stop-in-order.ts";

function collector() {
  const said: string[] = [];
  const say = (facts: object, message: string): void => {
    said.push(`${(facts as { what: string }).what} ${message}`);
  };
  return { said, log: { info: say, warn: say, error: say } };
}

test("stops from the last to the first, past what fails and what hangs", async () => {
  const { said, log } = collector();
  const order: string[] = [];
  const stops: Stop[] = [
    // It is waited for although the others have used up the time.
    {
      what: "first",
      run: async () => order.push(await later("first")),
      maxMs: 60_000,
      isLast: true,
    },
    { what: "failing", run: () => Promise.reject(new Error("no")) },
    {
      what: "throwing",
      run: () => {
        throw new Error("no");
      },
    },
    { what: "hanging", run: () => new Promise(() => {}) },
    { what: "last", run: () => Promise.resolve(order.push("last")) },
  ];
  await stopInOrder(stops, { log, maxMs: 1 });
  expect(order).toEqual(["last", "first"]);
  expect(said).toEqual([
    "hanging did not stop in time and was left behind",
    "throwing failed to stop",
    "failing failed to stop",
  ]);
  expect(stops).toEqual([]);
});
