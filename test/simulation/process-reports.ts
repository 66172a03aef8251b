// A simulated process says every second or so that it lives, and how many conversations it holds.

import { reportProcess } from "../../src/store/processes.ts";
import type { WorldConnection } from "./database-desk.ts";
import type { SimulatedProcess } from "./simulated-process.ts";

const REPORT_EVERY_MS = 1_500;

/** Its voice half says every second or so that it lives. */
export function reportsOf(
  process: SimulatedProcess,
  connection: WorldConnection,
): () => Promise<void> {
  let reportedAt = Number.NEGATIVE_INFINITY;
  return async () => {
    const now = process.clock.now();
    if (now - reportedAt < REPORT_EVERY_MS) return;
    reportedAt = now;
    const { observer } = connection;
    const sessions = { maxVoiceSessions: 50, voiceSessions: 0 };
    await reportProcess(observer, { id: process.name, roles: ["voice"], ...sessions, now });
  };
}
