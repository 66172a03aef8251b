// What the tests of the Carrier port share: a carrier over a raw server, an account, an order, and
// the JSON that Twilio answers with.

import { afterEach, vi } from "vitest";

import { createTwilioCarrier } from "../../../src/carrier/twilio/twilio-carrier.ts";
import type { TwilioCarrier } from "../../../src/carrier/twilio/twilio-carrier.ts";
import type { E164 } from "../../../src/domain/phone.ts";
import type { DialOrder, DialSlotOfTime } from "../../../src/ports/carrier.ts";
import type { Clock } from "../../../src/ports/clock.ts";
import { startRawServer } from "./raw-http-server.ts";
import type { Behaviour, RawServer, SeenRequest } from "./raw-http-server.ts";

const cleanUps: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  vi.unstubAllEnvs();
  for (const cleanUp of cleanUps.splice(0).toReversed()) await cleanUp();
});

export const accountSid = `AC${"0".repeat(31)}1`;
export const credentials = { carrierAccountId: accountSid, authToken: "a-token" };
export const callSid = `CA${"0".repeat(31)}7`;
export const to = "+12025550123" as E164;
export const from = "+12025550100" as E164;
export const order: DialOrder = {
  callId: "call_0192f3a4b5c60123456789abcdef0123",
  dialNumber: 2,
  to,
  from,
  ringTimeoutSeconds: 30,
  maxCallDurationSeconds: 600,
  detectMachine: true,
  isRecorded: false,
  speech: {
    language: "en",
    voiceId: null,
    speakingRate: null,
    interruptionSensitivity: 50,
    boostedKeywords: [],
    dtmfEnabled: false,
  },
};

// The installation's clock is far from this machine's, as it may be.
const CLOCK_AHEAD_MS = 3_600_000;
export const clock: Clock = {
  now: () => Date.now() + CLOCK_AHEAD_MS,
  monotonicMs: () => performance.now(),
  state: () => ({ kind: "steady" }),
};
export const logged: unknown[] = [];
const log = {
  debug: (...line: unknown[]) => logged.push(line),
  info: (...line: unknown[]) => logged.push(line),
  warn: (...line: unknown[]) => logged.push(line),
};

export function soon(): DialSlotOfTime {
  return { notBeforeAt: clock.now(), notAfterAt: clock.now() + 10_000 };
}

export function carrierAt(baseUrl: string): TwilioCarrier {
  const carrier = createTwilioCarrier({
    baseUrl,
    publicUrl: "https://calls.example.com",
    clock,
    log,
  });
  cleanUps.push(() => carrier.close());
  return carrier;
}

export async function against(
  behave: Behaviour,
): Promise<{ readonly carrier: TwilioCarrier; readonly server: RawServer }> {
  const server = await startRawServer(behave);
  cleanUps.push(() => server.close());
  return { server, carrier: carrierAt(server.origin) };
}

export const base = `/2010-04-01/Accounts/${accountSid}`;

export function callJson(over: Readonly<Record<string, unknown>> = {}) {
  return {
    sid: callSid,
    account_sid: accountSid,
    to,
    from,
    status: "queued",
    direction: "outbound-api",
    date_created: "Tue, 31 Aug 2010 20:36:28 +0000",
    start_time: null,
    end_time: null,
    duration: null,
    answered_by: null,
    queue_time: "0",
    ...over,
  };
}

export function errorJson(code: number, status: number) {
  return { code, message: `error ${code}`, more_info: "https://example.com", status };
}

export function form(request: SeenRequest | undefined): URLSearchParams {
  return new URLSearchParams(request?.body);
}
