// Events are applied together, answered after their commit, and one bad event stops nobody else's.

import { expect, test } from "vitest";

import { AppError } from "../../src/domain/app-error.ts";
import type { CarrierEvent } from "../../src/domain/carrier-event.ts";
import { createCallbackGatherer } from "../../src/http/callback-gatherer.ts";
import { waitFor } from "../support/wait-for.ts";

function event(carrierCallId: string): CarrierEvent {
  return {
    kind: "status",
    callId: "call_0192f3a4b5c60123456789abcdef0123",
    dialNumber: 1,
    carrierCallId,
    at: 0,
    source: "callback",
    status: "ringing",
    durationSeconds: null,
    sipResponseCode: null,
  };
}

function idsOf(events: readonly CarrierEvent[]): string[] {
  return events.map((each) => each.carrierCallId);
}

// An apply that records its batches and waits to be let go.
function heldApply() {
  const batches: string[][] = [];
  const releases: (() => void)[] = [];
  return {
    batches,
    release: () => releases.shift()?.(),
    apply: (events: readonly CarrierEvent[]) =>
      new Promise<void>((resolve) => {
        batches.push(idsOf(events));
        releases.push(resolve);
      }),
  };
}

test("a burst is one transaction", async () => {
  const batches: string[][] = [];
  const gatherer = createCallbackGatherer((events) => {
    batches.push(idsOf(events));
    return Promise.resolve();
  });
  await Promise.all(["a", "b", "c"].map((id) => gatherer.add(event(id))));
  expect(batches).toEqual([["a", "b", "c"]]);
});

test("nobody is answered before the commit, and what comes meanwhile is the next batch", async () => {
  const held = heldApply();
  const gatherer = createCallbackGatherer(held.apply);
  const answered: string[] = [];
  const add = async (id: string) => {
    await gatherer.add(event(id));
    answered.push(id);
  };
  const first = add("a");
  await waitFor(() => held.batches.length === 1, { describe: "the first batch" });
  const others = [add("b"), add("c")];
  expect(answered).toEqual([]);
  held.release();
  await first;
  await waitFor(() => held.batches.length === 2, { describe: "the second batch" });
  expect(answered).toEqual(["a"]);
  held.release();
  await Promise.all(others);
  expect(held.batches).toEqual([["a"], ["b", "c"]]);
});

test("a batch is bounded, and nothing waits for another burst to be taken", async () => {
  const sizes: number[] = [];
  const gatherer = createCallbackGatherer((events) => {
    sizes.push(events.length);
    return Promise.resolve();
  });
  await Promise.all(Array.from({ length: 1_200 }, (_, index) => gatherer.add(event(`${index}`))));
  expect(sizes).toEqual([500, 500, 200]);
});

test("one bad event fails alone", async () => {
  const batches: string[][] = [];
  const gatherer = createCallbackGatherer((events) => {
    batches.push(idsOf(events));
    const isBad = events.some((each) => each.carrierCallId === "bad");
    return isBad ? Promise.reject(new Error("a broken row")) : Promise.resolve();
  });
  const outcomes = await Promise.allSettled(["a", "bad", "c"].map((id) => gatherer.add(event(id))));
  expect(outcomes.map((outcome) => outcome.status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
  expect(batches).toEqual([["a", "bad", "c"], ["a"], ["bad"], ["c"]]);
  await expect(gatherer.add(event("d"))).resolves.toBeUndefined();
});

test("a database that is away fails the batch once, and the next one is tried afresh", async () => {
  let tries = 0;
  const gatherer = createCallbackGatherer(() => {
    tries += 1;
    if (tries > 1) return Promise.resolve();
    return Promise.reject(new AppError("database_unavailable", { message: "gone" }));
  });
  const outcomes = await Promise.allSettled(["a", "b"].map((id) => gatherer.add(event(id))));
  expect(outcomes.map((outcome) => outcome.status)).toEqual(["rejected", "rejected"]);
  expect(tries).toBe(1);
  await gatherer.add(event("c"));
  expect(tries).toBe(2);
});

test("beyond its bound callers are told to come again", async () => {
  const held = heldApply();
  const gatherer = createCallbackGatherer(held.apply);
  const first = gatherer.add(event("first"));
  await waitFor(() => held.batches.length === 1, { describe: "the first batch" });
  const waiting = Array.from({ length: 10_000 }, (_, index) => gatherer.add(event(`${index}`)));
  await expect(gatherer.add(event("over"))).rejects.toMatchObject({
    code: "server_busy",
    status: 503,
  });
  held.release();
  for (let batch = 2; batch <= 21; batch += 1) {
    await waitFor(() => held.batches.length === batch, { describe: `batch ${batch}` });
    held.release();
  }
  await Promise.all([first, ...waiting]);
});
