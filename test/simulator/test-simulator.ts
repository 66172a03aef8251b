// A simulator for tests: fast, without the carrier's delays and without what it does by chance,
// unless a test asks for it. Clients are the official SDK, as its users hold it.

import twilio from "twilio";
import type { Twilio } from "twilio";
import { realSimulatorClock } from "../../src/app/real-simulator-clock.ts";
import {
  DEFAULT_ACCOUNT_SID,
  DEFAULT_AUTH_TOKEN,
  defaultAccount,
} from "../../src/simulator/carrier-model/default-account.ts";
import type { FaultsInput } from "../../src/simulator/control/faults.ts";
import { startSimulator } from "../../src/simulator/simulator.ts";
import type { Simulator } from "../../src/simulator/simulator.ts";
import type { SimulatorOptions } from "../../src/simulator/simulator-options.ts";

export const FROM = "+12025550100";

/**
 * Nothing by chance: the list shows every call at once, holds nobody else's, and detection is
 * right.
 */
export const CALM: FaultsInput = {
  list: { max_lag_ms: 0, foreign: { probability: 0 } },
  amd: { false_positive: 0, false_negative: 0, unknown: 0 },
};

const QUICK_DELAYS = {
  queueToInitiated: [1, 2],
  initiatedToRinging: [2, 4],
  closeToAction: [1, 2],
  actionToCompleted: [2, 4],
  endToCompleted: [1, 2],
} as const;

const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };

export async function startTestSimulator(
  options: Partial<SimulatorOptions> = {},
): Promise<Simulator> {
  return startSimulator({
    clock: realSimulatorClock,
    log: silent,
    port: 0,
    speed: 200,
    accounts: [{ ...defaultAccount, cps: 1000 }],
    delays: QUICK_DELAYS,
    faults: CALM,
    model: { firstTokenMs: 1, perTokenMs: 0 },
    ...options,
  });
}

export function sdkFor(
  simulator: Simulator,
  sid: string = DEFAULT_ACCOUNT_SID,
  token: string = DEFAULT_AUTH_TOKEN,
): Twilio {
  const client = new twilio.Twilio(sid, token);
  client.api.baseUrl = simulator.url;
  return client;
}

/** A JSON request to the simulator's own routes. */
export async function control(
  simulator: Simulator,
  method: string,
  path: string,
  body?: unknown,
): Promise<{ status: number; body: unknown }> {
  const response = await fetch(`${simulator.url}/simulator${path}`, {
    method,
    ...(body === undefined
      ? {}
      : { body: JSON.stringify(body), headers: { "content-type": "application/json" } }),
  });
  return { status: response.status, body: await response.json() };
}
