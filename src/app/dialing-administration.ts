// The operator's emergency stop from the command line: it holds for every process from its commit
// on.

import {
  readDialingStop,
  resumeDialing,
  stopDialing,
  type DialingStop,
} from "../store/installation.ts";
import type { Config } from "./config.ts";
import { withStore } from "./open-store.ts";

type Notify = (notice: string) => void;

export function stopAllDialing(
  config: Config,
  onNotice: Notify,
  reason: string | null,
): Promise<DialingStop> {
  return withStore(config, onNotice, (database) => stopDialing(database, Date.now(), reason));
}

export function resumeAllDialing(config: Config, onNotice: Notify): Promise<void> {
  return withStore(config, onNotice, (database) => resumeDialing(database));
}

export function dialingStatus(config: Config, onNotice: Notify): Promise<DialingStop> {
  return withStore(config, onNotice, (database) => readDialingStop(database));
}
