// The whole product at work on one machine: simulator, server, an agent, a number and a campaign of
// 200 people. Nothing leaves the machine and nothing is kept: the database lies in a temporary
// place.

import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { parse } from "csv-parse/sync";
import { newSecret } from "../../domain/ids.ts";
import type { Call } from "../../http/contract/call.ts";
import type { Campaign } from "../../http/contract/campaign.ts";
import {
  DEFAULT_ACCOUNT_SID,
  DEFAULT_AUTH_TOKEN,
} from "../../simulator/carrier-model/default-account.ts";
import { createLogger } from "../logger.ts";
import { packageRoot } from "../package-root.ts";
import { readConfig } from "../read-config.ts";
import { startStandaloneSimulator } from "../standalone-simulator.ts";
import { startServer } from "../start-server.ts";
import { systemRandom } from "../system-random.ts";
import { makeTemporaryDataDirectory } from "../temporary-data-directory.ts";
import { createApiClient, type ApiClient } from "./api-client.ts";

/** Ringing and talking this many times faster than life: 200 calls in about a minute. */
const SPEED = 20;
const CALLS_PER_SECOND = 8;
const CONCURRENT_CALLS = 30;
const FROM_NUMBER = "+12025550100";
const POLL_MS = 500;

const PROMPT =
  "You are calling from Bright Smile Dental to remind the patient of their appointment. Greet them by name, say the " +
  "day, time and kind of the appointment, and ask whether they can still make it. If not, offer another day.";

export interface DemoEvents {
  /** What is being done, before the campaign runs. */
  onStep(text: string): void;
  onProgress(campaign: Campaign): void;
}

export interface Demo {
  readonly url: string;
  readonly simulatorUrl: string;
  /** KEY_ID:KEY_SECRET of the demo's key. */
  readonly key: string;
  readonly campaign: Campaign;
  /** Two calls worth reading. */
  readonly transcripts: readonly Call[];
  readonly placings: { readonly calls: number; readonly dialedMoreThanOnce: number };
  stop(): Promise<void>;
}

/** Runs the campaign to its end. Whatever happens, what was started is stopped again. */
export async function runDemo(events: DemoEvents): Promise<Demo> {
  const dataDirectory = makeTemporaryDataDirectory("carillon-demo-");
  const stops: (() => Promise<void>)[] = [
    () => Promise.resolve(rmSync(dataDirectory, { recursive: true, force: true })),
  ];
  const stop = async (): Promise<void> => {
    for (const each of stops.splice(0).toReversed()) await each();
  };
  try {
    events.onStep("Starting the simulator (a pretend carrier, pretend people, a pretend model) …");
    const { simulator } = await startStandaloneSimulator({
      port: 0,
      speed: SPEED,
      accounts: [
        {
          account_sid: DEFAULT_ACCOUNT_SID,
          auth_token: DEFAULT_AUTH_TOKEN,
          cps: CALLS_PER_SECOND * 2,
          numbers: [{ phone_number: FROM_NUMBER }],
        },
      ],
    });
    stops.push(() => simulator.close());
    events.onStep("Starting the server on a fresh database …");
    const operatorToken = newSecret(systemRandom);
    const server = await startDemoServer(dataDirectory, simulator.url, operatorToken, events);
    stops.push(() => server.stop());
    const key = await makeKey(server.url, operatorToken);
    const api = createApiClient(server.url, key);
    const campaignId = await createCampaign(api, events);
    const campaign = await watch(api, campaignId, events);
    const summary = simulator.summary();
    return {
      url: server.url,
      simulatorUrl: simulator.url,
      key,
      campaign,
      transcripts: await chooseTranscripts(api, campaignId),
      placings: {
        calls: summary.calls,
        dialedMoreThanOnce: Object.keys(summary.dialedMoreThanOnce).length,
      },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

function startDemoServer(
  dataDirectory: string,
  simulatorUrl: string,
  operatorToken: string,
  events: DemoEvents,
) {
  const config = readConfig({
    CARILLON_DATA_DIR: dataDirectory,
    CARILLON_PORT: "0",
    CARILLON_LOG_LEVEL: "error",
    CARILLON_OPERATOR_TOKEN: operatorToken,
    // Polling the progress twice a second must not meet the limit that a real client has.
    CARILLON_RATE_LIMIT_PER_MINUTE: "10000",
    TWILIO_API_BASE_URL: simulatorUrl,
    CARILLON_MODEL: "openai-compatible:scripted-agent",
    CARILLON_MODEL_BASE_URL: `${simulatorUrl}/v1`,
  });
  return startServer({
    config,
    log: createLogger(config),
    onNotice: (notice) => events.onStep(notice),
    onLost: (error) => events.onStep(`The database is gone: ${error.message}`),
  });
}

async function makeKey(url: string, operatorToken: string): Promise<string> {
  const operator = createApiClient(url, operatorToken);
  const key = await operator.post<{ key_id: string; key_secret: string }>("/v1/keys", {
    name: "demo",
    concurrent_call_limit: CONCURRENT_CALLS,
  });
  return `${key.key_id}:${key.key_secret}`;
}

async function createCampaign(api: ApiClient, events: DemoEvents): Promise<string> {
  events.onStep("Making an agent, importing a number, queueing the campaign with one request …");
  const agent = await api.post<{ agent_id: string }>("/v1/agents", {
    name: "Sarah",
    system_prompt: "You are Sarah, the friendly phone assistant of Bright Smile Dental.",
    // What the call is and for whom is said before it, by the engine.
    welcome_message:
      "Hello {name}, I am calling about your {appointment_kind} on {appointment_day} at {appointment_time}. " +
      "Can you still make it?",
    language: "en",
    timezone: "America/New_York",
  });
  await api.post("/v1/phone-numbers", {
    phone_number: FROM_NUMBER,
    agent_id: agent.agent_id,
    twilio_sid: DEFAULT_ACCOUNT_SID,
    twilio_token: DEFAULT_AUTH_TOKEN,
    calls_per_second: CALLS_PER_SECOND,
  });
  const created = await api.post<{ campaign_id: string }>("/v1/calls/batch", {
    agent_id: agent.agent_id,
    name: "Appointment reminders",
    prompt: PROMPT,
    recipients: readRecipients(),
  });
  return created.campaign_id;
}

function readRecipients(): readonly { phone: string; variables: Record<string, string> }[] {
  const text = readFileSync(join(packageRoot(), "examples", "appointments.csv"), "utf8");
  const rows: readonly Record<string, string>[] = parse(text, {
    columns: true,
    skip_empty_lines: true,
  });
  return rows.map(({ phone = "", ...variables }) => ({ phone, variables }));
}

async function watch(api: ApiClient, campaignId: string, events: DemoEvents): Promise<Campaign> {
  for (;;) {
    const campaign = await api.get<Campaign>(`/v1/calls/batch/${campaignId}`);
    events.onProgress(campaign);
    if (campaign.status !== "running") return campaign;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

// The longest talk, and the longest of those that ended otherwise.
async function chooseTranscripts(api: ApiClient, campaignId: string): Promise<readonly Call[]> {
  const calls = await api.get<Call[]>(`/v1/calls?campaign_id=${campaignId}&limit=200`);
  const byLength = calls.toSorted((a, b) => b.transcript.length - a.transcript.length);
  const [first] = byLength;
  if (first === undefined) return [];
  const second = byLength.find(
    (call) => call.ended_reason !== first.ended_reason && call.transcript !== "",
  );
  return second === undefined ? [first] : [first, second];
}
