// How a simulator is started. Time, timers and log come from outside; everything else has a
// default.

import type { BooksJournal } from "./carrier-model/books-journal.ts";
import type { AccountSettingsInput } from "./carrier-model/account.ts";
import type { CarrierDelays } from "./carrier-model/carrier-delays.ts";
import type { FaultsInput } from "./control/faults.ts";
import type { ModelTiming } from "./model/model-timing.ts";
import type { LanguageShares } from "./people/mailbox-greetings.ts";
import type { PersonaRates } from "./people/persona.ts";
import type { SimulatorClock } from "./simulator-clock.ts";
import type { SimulatorLog } from "./simulator-log.ts";

export interface SimulatorOptions {
  readonly clock: SimulatorClock;
  readonly log: SimulatorLog;
  /** 0 picks a free port. */
  readonly port: number;
  /** Default 127.0.0.1: a simulator takes anybody's requests. */
  readonly host?: string;
  /** The same seed gives every phone the same person. Default 1. */
  readonly seed?: number;
  /**
   * Divides ringing, talking and speech; never pacing, list lag, time-outs or the carrier's delays.
   * Default 1.
   */
  readonly speed?: number;
  /** The same documents as `PUT /simulator/accounts` takes. Default: the default account. */
  readonly accounts?: readonly AccountSettingsInput[];
  /**
   * How many of all phones belong to which person; they need not sum to 1. Personas not named get
   * 0.
   */
  readonly rates?: PersonaRates;
  /** Phones with a person of their own: phone → persona. */
  readonly people?: Readonly<Record<string, string>>;
  /** What is said first when a phone is picked up: phone → words. */
  readonly says?: Readonly<Record<string, string>>;
  /** How many of all mailboxes speak which language. Default: all English. */
  readonly languages?: LanguageShares;
  /** The same document as `PUT /simulator/faults` takes. */
  readonly faults?: FaultsInput;
  readonly delays?: Partial<CarrierDelays>;
  readonly model?: Partial<ModelTiming>;
  /**
   * Calls (and create requests) remembered before the oldest are forgotten. Default 200,000 (about
   * 1 GB with long talks).
   */
  readonly maxCalls?: number;
  /** Where the books outlive this process. Default: they do not. */
  readonly journal?: BooksJournal;
  /**
   * Refuse what the real carrier is only believed to refuse (status events joined in one value).
   * Default false.
   */
  readonly isStrict?: boolean;
}
