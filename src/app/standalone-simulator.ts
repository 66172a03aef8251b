// The simulator in real time, with the account that exists when nobody configured one.

import {
  DEFAULT_ACCOUNT_SID,
  DEFAULT_AUTH_TOKEN,
  DEFAULT_NUMBERS,
} from "../simulator/carrier-model/default-account.ts";
import { startSimulator, type Simulator } from "../simulator/simulator.ts";
import type { SimulatorOptions } from "../simulator/simulator-options.ts";
import { realSimulatorClock } from "./real-simulator-clock.ts";

export interface StandaloneSimulator {
  readonly simulator: Simulator;
  readonly account: {
    readonly sid: string;
    readonly authToken: string;
    readonly numbers: readonly string[];
  };
}

/** Says nothing of single callbacks: a server that is down at the time would fill the terminal. */
const quiet = { info: () => {}, warn: () => {}, error: () => {} };

export async function startStandaloneSimulator(
  options: Omit<SimulatorOptions, "clock" | "log">,
): Promise<StandaloneSimulator> {
  const simulator = await startSimulator({ ...options, clock: realSimulatorClock, log: quiet });
  return {
    simulator,
    account: { sid: DEFAULT_ACCOUNT_SID, authToken: DEFAULT_AUTH_TOKEN, numbers: DEFAULT_NUMBERS },
  };
}
