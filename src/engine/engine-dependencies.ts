// What the engine is given. It owns no timer, no socket, no clock and no dice; all of them come
// through here.

import type { CallingWindow } from "../domain/calling-window.ts";
import type { AgentSettings } from "../domain/agent-settings.ts";
import type { Carrier } from "../ports/carrier.ts";
import type { Clock } from "../ports/clock.ts";
import type { Database } from "../ports/database.ts";
import type { Model } from "../ports/model.ts";
import type { Random } from "../ports/random.ts";
import type { EngineMeters } from "./meters.ts";

/** Constant messages, facts in fields; personal data only under `pii`. */
export interface EngineLog {
  info(facts: object, message: string): void;
  warn(facts: object, message: string): void;
  error(facts: object, message: string): void;
}

export interface EngineDependencies {
  readonly clock: Clock;
  readonly random: Random;
  readonly database: Database;
  readonly carrier: Carrier;
  readonly model: Model;
  /** Names this process in leases; another one after every start. */
  readonly owner: string;
  readonly log: EngineLog;
  /** Counts what is done; never waited for. */
  readonly meters: EngineMeters;
  /** Local hours in which anybody may be called at all; null: there is no curfew. */
  readonly curfew: CallingWindow | null;
  /** Turns a stored carrier token back into clear text. */
  decryptToken(encrypted: Uint8Array): string;
  /** The opening line of a call, made before the dial so that nobody waits for it. */
  prepareGreeting(
    settings: AgentSettings,
    variables: Readonly<Record<string, string | number | boolean>>,
  ): string;
}
