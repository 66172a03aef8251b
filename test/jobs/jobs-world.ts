// An engine's small installation with the jobs room beside it, over real HTTP on this machine.

import { createHttpOutbound } from "../../src/app/outbound/http-outbound.ts";
import { createSecretBox } from "../../src/app/secret-box.ts";
import { createJobs, type Jobs } from "../../src/jobs/jobs.ts";
import type { JobsDependencies } from "../../src/jobs/jobs-dependencies.ts";
import type { Outbound } from "../../src/ports/outbound.ts";
import { ensureWebhookSecrets } from "../../src/store/webhook-secrets.ts";
import { onTestFinished } from "vitest";
import { RETENTION_KINDS } from "../../src/jobs/retention.ts";
import { claimRetention, recordRetention } from "../../src/store/retention.ts";
import { makeWorld, START, type World } from "../engine/engine-world.ts";
import { scriptedModel, type ScriptedModel } from "../support/scripted-model.ts";
import { seededRandom } from "../support/seeded-random.ts";
import { waitFor } from "../support/wait-for.ts";

const HOUR_MS = 3_600_000;

/** Each another number, so that none is taken for another. */
export const KEPT_DAYS = { conversations: 40, records: 90, deliveries: 20, evidence: 400 };

export interface JobsWorld extends World {
  readonly jobs: Jobs;
  readonly outbound: Outbound;
  readonly model: ScriptedModel;
  newJobs(outbound?: Outbound): Jobs;
  /** Sets the addresses of the agent and of the number's two slots. */
  setWebhooks(urls: {
    readonly agent?: string;
    readonly number?: string;
    readonly number2?: string;
  }): Promise<void>;
  /** Ticks until a tick starts nothing. */
  work(): Promise<void>;
  secret(): Promise<string>;
  // Rows as they are.
  deliveries(): Promise<readonly any[]>;
}

export async function makeJobsWorld(): Promise<JobsWorld> {
  const world = await makeWorld();
  const outbound = createHttpOutbound({ allowLocal: true, userAgent: "Carillon/0" });
  onTestFinished(() => outbound.close());
  const secretBox = createSecretBox(new Uint8Array(32).fill(7), seededRandom(2));
  const model = scriptedModel();
  const dependencies = (outboundPort: Outbound): JobsDependencies => ({
    clock: world.clock,
    random: seededRandom(3),
    database: world.db,
    outbound: outboundPort,
    publicUrl: "https://carillon.example",
    model,
    secretBox,
    retention: KEPT_DAYS,
    log: { info: () => {}, warn: () => {}, error: () => {} },
  });
  const newJobs = (outboundPort: Outbound = outbound): Jobs =>
    createJobs(dependencies(outboundPort));
  const jobs = newJobs();
  // Its kinds were just looked at: what is tested of other work is not mixed with it.
  await claimRetention(world.db, RETENTION_KINDS, START, START);
  for (const kind of RETENTION_KINDS) {
    await recordRetention(world.db, kind, { removed: 0, now: START, dueAt: START + HOUR_MS });
  }
  return {
    ...world,
    jobs,
    model,
    outbound,
    newJobs,
    setWebhooks: async (urls) => {
      await world.db.query("update agents set settings = settings || $1::jsonb", [
        JSON.stringify({ webhook_url: urls.agent ?? null }),
      ]);
      await world.db.query("update phone_numbers set settings = settings || $1::jsonb", [
        JSON.stringify({ webhook_url: urls.number ?? null, webhook_url_2: urls.number2 ?? null }),
      ]);
    },
    work: async () => {
      // Three times: quick work is over before its tick, and may have left something due.
      for (let quiet = 0; quiet < 3;) {
        await jobs.tick();
        quiet = jobs.underWay() === 0 ? quiet + 1 : 0;
        await waitFor(() => jobs.underWay() === 0, { describe: "the work under way to end" });
      }
    },
    secret: async () => {
      const secrets = await ensureWebhookSecrets(
        world.db,
        world.keyId,
        () => new Uint8Array(),
        world.clock.now(),
      );
      return secretBox.decrypt(secrets.current);
    },
    deliveries: async () =>
      (await world.db.query("select * from deliveries order by created_at, event, slot")).rows,
  };
}
