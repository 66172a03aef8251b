// A flood of forged requests at the screen, and a genuine one in the midst of it.

import { createHmac } from "node:crypto";
import { expect, test } from "vitest";
import type { SignedRequest } from "../../src/carrier/twilio/signature.ts";
import { createSignatureScreen, MAX_SCREENED_TOKENS } from "../../src/http/signature-screen.ts";

const address = "https://calls.example.com/twilio/calls/call_1/1/status";

function signedBy(token: string): SignedRequest {
  const signature = createHmac("sha1", token).update(address).digest("base64");
  return { address, signature, parameters: {} };
}

function open(tokens: (readonly string[] | null)[]) {
  let looks = 0;
  const release: (() => void)[] = [];
  let isHeld = false;
  const screen = createSignatureScreen({
    listTokens: async () => {
      const read = tokens[Math.min(looks, tokens.length - 1)] ?? null;
      looks += 1;
      if (isHeld) await new Promise<void>((resolve) => void release.push(resolve));
      return read;
    },
    monotonicMs: () => performance.now(),
  });
  return {
    screen,
    looks: () => looks,
    /** Every look from now on takes until the answered function is called. */
    hold: () => {
      isHeld = true;
      return () => {
        isHeld = false;
        for (const go of release) go();
      };
    },
  };
}

const outcome = (asked: Promise<boolean>): Promise<unknown> =>
  asked.catch((error: unknown) => (error as { code: string }).code);

test("whom a known token signed passes at once, however many forged ones wait", async () => {
  const { screen, looks, hold } = open([["known"]]);
  expect(await screen(signedBy("known"))).toBe(true);
  const release = hold();
  const forged = Array.from({ length: 2_000 }, () => outcome(screen(signedBy("somebody's"))));
  expect(await screen(signedBy("known"))).toBe(true);
  expect(looks()).toBe(1);
  release();
  await Promise.all(forged);
});

test("a token of this moment is told to come again in a flood, never that it is wrong", async () => {
  const { screen } = open([["known"], ["known", "new"]]);
  expect(await screen(signedBy("known"))).toBe(true);
  const forged = Array.from({ length: 2_000 }, () => outcome(screen(signedBy("somebody's"))));
  expect(await outcome(screen(signedBy("new")))).toBe("server_busy");
  expect(new Set(await Promise.all(forged))).toEqual(new Set([false, "server_busy"]));
  expect(await screen(signedBy("new"))).toBe(true);
});

test.each([
  ["cannot all be read", null],
  ["are too many", Array.from({ length: MAX_SCREENED_TOKENS + 1 }, (_, index) => `token ${index}`)],
])("tokens that %s turn nobody away", async (_name, tokens) => {
  const { screen } = open([tokens]);
  expect(await screen(signedBy("anybody's"))).toBe(true);
});

test("tokens that could not be read are an error of ours, and read again", async () => {
  let isDown = true;
  const screen = createSignatureScreen({
    listTokens: () => (isDown ? Promise.reject(new Error("down")) : Promise.resolve(["known"])),
    monotonicMs: () => performance.now(),
  });
  await expect(screen(signedBy("known"))).rejects.toThrow("down");
  isDown = false;
  expect(await screen(signedBy("known"))).toBe(true);
});
