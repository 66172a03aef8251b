// What goes wrong on a socket between the carrier and the product, frame by frame, on a clock that
// tests move.

import { expect, test } from "vitest";
import { Faults } from "../../src/simulator/control/faults.ts";
import type { FaultsInput } from "../../src/simulator/control/faults.ts";
import { openDice } from "../../src/simulator/dice.ts";
import { createPace } from "../../src/simulator/pace.ts";
import { drawRelayTrouble, withTrouble } from "../../src/simulator/relay/relay-trouble.ts";
import { VirtualClock } from "./virtual-clock.ts";

const FRAMES = ["setup", "info", "prompt", "dtmf"].map((type) => JSON.stringify({ type }));
const always = { probability: 1 };
const after = (ms: number) => ({ probability: 1, min_ms: ms, max_ms: ms });

function openLine(relay: FaultsInput["relay"]) {
  const clock = new VirtualClock();
  const got: string[] = [];
  const trouble = drawRelayTrouble(openDice(1, "trouble"), Faults.parse({ relay }).relay);
  const line = withTrouble((text) => got.push(text), trouble, createPace(clock, 20));
  line.opened();
  for (const frame of FRAMES) line.send(frame);
  return { clock, got, line, trouble };
}

test("nothing goes wrong unless it is asked for", () => {
  const { got, trouble } = openLine({});
  expect(got).toEqual(FRAMES);
  expect(trouble).toMatchObject({ dropAfterMs: null, close: null, errorAfterMs: null });
});

test("a late setup holds everything back behind it, in order, in real time", () => {
  const { got, clock } = openLine({ late_setup: after(4_000) });
  clock.advance(3_999);
  expect(got).toEqual([]);
  clock.advance(1);
  expect(got).toEqual(FRAMES);
});

test("frames come twice, or after one that is cut off", () => {
  expect(openLine({ doubled_frame: always }).got).toEqual(FRAMES.flatMap((one) => [one, one]));
  const { got } = openLine({ garbled_frame: always });
  expect(got).toEqual(FRAMES.flatMap((one) => [one.slice(0, -1), one]));
  expect(() => JSON.parse(got[0] ?? "") as unknown).toThrow(SyntaxError);
});

test("reports of who speaks can be missing", () => {
  const { got } = openLine({ no_reports: always });
  expect(got).toEqual(FRAMES.filter((frame) => !frame.includes("info")));
});

test("an error comes in the middle, and the talk goes on", () => {
  const { got, clock, line } = openLine({ error_frame: after(2_000) });
  clock.advance(2_000);
  line.send("{}");
  expect(got.slice(FRAMES.length)).toEqual([expect.stringContaining('"type":"error"'), "{}"]);
});

test("a line falls mute, and its socket stays open", () => {
  const { got, clock, line } = openLine({ falls_mute: after(2_000) });
  clock.advance(2_000);
  line.send("{}");
  expect(got).toEqual(FRAMES);
});

test("a socket is dropped, or closed with a status", () => {
  expect(openLine({ socket_loss: after(500) }).trouble.dropAfterMs).toBe(500);
  const { trouble } = openLine({ close: { ...after(700), code: 1013 } });
  expect(trouble.close).toEqual({ afterMs: 700, code: 1013 });
});

test("changing one fault leaves the draws of the others alone", () => {
  const half = { probability: 0.5, min_ms: 0, max_ms: 10_000 };
  const drawWith = (relay: FaultsInput["relay"]) =>
    openLine({ falls_mute: half, ...relay }).trouble;
  expect(drawWith({ socket_loss: always }).muteAfterMs).toBe(drawWith({}).muteAfterMs);
});
