// What the HTTP room is given. It owns no clock, no dice and no settings; the composition root
// hands them over.

import type { FastifyBaseLogger, FastifyPluginAsync } from "fastify";

import type { CampaignVerbs } from "../engine/campaign-verbs.ts";
import type { Carrier } from "../ports/carrier.ts";
import type { Clock } from "../ports/clock.ts";
import type { Database } from "../ports/database.ts";
import type { Model } from "../ports/model.ts";
import type { Random } from "../ports/random.ts";
import type { Health } from "./contract/health.ts";

export interface HttpDependencies {
  /** The HTTP room's own pool: a burst of requests never takes the engine's connections. */
  readonly database: Database;
  readonly clock: Clock;
  readonly random: Random;
  readonly carrier: Pick<
    Carrier,
    "checkAccount" | "checkNumber" | "findRecording" | "openRecording"
  >;
  readonly model: Pick<Model, "configuration">;
  readonly engine: { wake(): void };
  readonly campaignVerbs: CampaignVerbs;
  readonly settings: HttpSettings;
  readonly secretBox: SecretBox;
  /** A pino logger. Personal data goes under `pii` only. */
  readonly log: FastifyBaseLogger;
  readonly version: string;
  health(): Promise<Health>;
  /**
   * Routes that other parts bring: carrier webhooks, relay sockets, the dashboard. They answer for
   * their own access.
   */
  readonly extensions?: readonly FastifyPluginAsync[];
}

export interface HttpSettings {
  /** Without a slash at the end. */
  readonly publicUrl: string;
  readonly maxBodyBytes: number;
  /** Per key, counted in this process. */
  readonly rateLimitPerMinute: number;
  /** http and private addresses are good enough for webhooks (development only). */
  readonly allowLocalUrls: boolean;
  /** As Fastify's: which proxies' X-Forwarded-For is believed. */
  readonly trustProxy?: boolean | string;
}

export interface SecretBox {
  encrypt(text: string): Uint8Array;
  decrypt(box: Uint8Array): string;
  /** Tells equal texts, to nobody without the key. */
  digest(text: string): Uint8Array;
}
