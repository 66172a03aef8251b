// What the jobs room is given. Like the engine it owns no timer, no clock and no dice.

import type { Clock } from "../ports/clock.ts";
import type { Database } from "../ports/database.ts";
import type { Model } from "../ports/model.ts";
import type { Outbound } from "../ports/outbound.ts";
import type { Random } from "../ports/random.ts";

/** Constant messages, facts in fields; personal data only under `pii`. */
export interface JobsLog {
  info(facts: object, message: string): void;
  warn(facts: object, message: string): void;
  error(facts: object, message: string): void;
}

/** Days that things are kept after their end. */
export interface RetentionDays {
  readonly conversations: number;
  readonly records: number;
  readonly deliveries: number;
  readonly evidence: number;
}

export interface JobsDependencies {
  readonly clock: Clock;
  readonly random: Random;
  readonly database: Database;
  readonly outbound: Outbound;
  /** Where users reach this server. */
  readonly publicUrl: string;
  readonly model: Pick<Model, "answer">;
  readonly secretBox: {
    encrypt(text: string): Uint8Array;
    decrypt(box: Uint8Array): string;
  };
  readonly retention: RetentionDays;
  readonly log: JobsLog;
}
