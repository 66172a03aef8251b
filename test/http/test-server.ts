// The API over a real database, asked by injection: no socket, everything else as in production.
// The carrier is a list of accounts that tests write down.

import type { FastifyInstance, FastifyPluginAsync, InjectOptions } from "fastify";
import { pino } from "pino";
import { createCampaignVerbs } from "../../src/engine/campaign-verbs.ts";
import { createSecretBox } from "../../src/app/secret-box.ts";
import { hashSecret } from "../../src/http/secret-hash.ts";
import { createHttpServer } from "../../src/http/server.ts";
import type { HttpDependencies, HttpSettings } from "../../src/http/server-dependencies.ts";
import type {
  AccountCheck,
  NumberCheck,
  RecordingAudio,
  RecordingLookUp,
} from "../../src/ports/carrier.ts";
import type { Database } from "../../src/ports/database.ts";
import type { ModelConfiguration } from "../../src/ports/model.ts";
import { replaceOperatorTokenHash } from "../../src/store/installation.ts";
import { seededRandom } from "../support/seeded-random.ts";
import { virtualClock, type VirtualClock } from "../support/virtual-clock.ts";

export const OPERATOR_TOKEN = "operator-token-of-the-tests-0123456789";
/** A Wednesday, 12:00 in London (summer time). */
export const NOON = Date.parse("2030-06-12T11:00:00Z");
export const ACCOUNT = "AC00000000000000000000000000000001";
export const TOKEN = "token-of-the-account";

export interface Answer {
  readonly status: number;
  // Tests read answers as a client would: by name.
  readonly body: any;
  readonly headers: Record<string, unknown>;
  readonly text: string;
}

export interface Tenant {
  readonly keyId: string;
  readonly secret: string;
  readonly authorization: string;
  ask(
    method: InjectOptions["method"],
    url: string,
    body?: unknown,
    headers?: object,
  ): Promise<Answer>;
}

export interface TestServer {
  readonly app: FastifyInstance;
  readonly clock: VirtualClock;
  readonly carrier: {
    accountCheck: (carrierAccountId: string, token: string) => AccountCheck;
    numberCheck: (phone: string) => NumberCheck;
    recording: RecordingLookUp;
    audio: (recordingId: string) => RecordingAudio;
  };
  model: ModelConfiguration;
  wakes: number;
  ask(options: InjectOptions): Promise<Answer>;
  operator(method: InjectOptions["method"], url: string, body?: unknown): Promise<Answer>;
  tenant(key?: object): Promise<Tenant>;
  /** A tenant with an agent and a number to call from. */
  caller(key?: object): Promise<Tenant & { readonly agentId: string; readonly phone: string }>;
}

let seeds = 0;
let phones = 0;

/** +1 NPA 555-01xx numbers, another one each time. */
export function nextPhone(): string {
  phones += 1;
  const areas = [202, 212, 213, 312, 303, 404, 415, 512, 602, 617];
  return `+1${areas[Math.floor(phones / 100) % areas.length]}55501${String(phones % 100).padStart(2, "0")}`;
}

export async function testServer(
  database: Database,
  settings: Partial<HttpSettings> = {},
  extensions: readonly FastifyPluginAsync[] = [],
): Promise<TestServer> {
  seeds += 1;
  const clock = virtualClock(NOON);
  const random = seededRandom(seeds);
  await replaceOperatorTokenHash(database, hashSecret(OPERATOR_TOKEN));
  const dependencies: HttpDependencies = {
    database,
    clock,
    random,
    carrier: {
      checkAccount: ({ carrierAccountId, authToken }) =>
        Promise.resolve(server.carrier.accountCheck(carrierAccountId, authToken)),
      checkNumber: (_credentials, phone) => Promise.resolve(server.carrier.numberCheck(phone)),
      findRecording: () => Promise.resolve(server.carrier.recording),
      openRecording: (_credentials, recordingId) =>
        Promise.resolve(server.carrier.audio(recordingId)),
    },
    model: { configuration: () => server.model },
    engine: {
      wake: () => {
        server.wakes += 1;
      },
    },
    campaignVerbs: createCampaignVerbs({ database, clock }),
    settings: {
      publicUrl: "https://carillon.example",
      maxBodyBytes: 32 * 1024 * 1024,
      rateLimitPerMinute: 100_000,
      allowLocalUrls: false,
      ...settings,
    },
    secretBox: createSecretBox(new Uint8Array(32).fill(7), random),
    log: pino({ level: "silent" }),
    version: "0.0.0",
    extensions,
    health: () => Promise.resolve({ status: "ready", version: "0.0.0", reasons: [], checks: {} }),
  };
  const app = createHttpServer(dependencies);
  await app.ready();
  const ask = async (options: InjectOptions): Promise<Answer> => {
    const response = await app.inject(options);
    const isJson = String(response.headers["content-type"]).includes("application/json");
    return {
      status: response.statusCode,
      body: isJson ? JSON.parse(response.body) : null,
      headers: response.headers,
      text: response.body,
    };
  };
  const server: TestServer = {
    app,
    clock,
    carrier: {
      accountCheck: (_account, token) =>
        token === TOKEN
          ? { kind: "verified", accountType: "full", maxConcurrentCalls: null }
          : { kind: "rejected", reason: "credentials", message: "Authenticate" },
      numberCheck: () => ({ kind: "owned", carrierNumberId: `PN${"1".repeat(32)}`, canCall: true }),
      recording: { kind: "absent" },
      audio: () => ({ kind: "absent" }),
    },
    model: { kind: "ready", name: "test:model" },
    wakes: 0,
    ask,
    operator: (method, url, body) =>
      ask(request(method, url, body, { authorization: `Bearer ${OPERATOR_TOKEN}` })),
    tenant: (key = {}) => makeTenant(server, key),
    caller: async (key = {}) => {
      const tenant = await makeTenant(server, key);
      const agent = await tenant.ask("POST", "/v1/agents", { name: "Sarah" });
      const phone = nextPhone();
      await tenant.ask("POST", "/v1/phone-numbers", {
        phone_number: phone,
        agent_id: agent.body.agent_id,
        twilio_sid: ACCOUNT,
        twilio_token: TOKEN,
      });
      return { ...tenant, agentId: agent.body.agent_id, phone };
    },
  };
  return server;
}

async function makeTenant(server: TestServer, key: object): Promise<Tenant> {
  const made = await server.operator("POST", "/v1/keys", key);
  const { key_id: keyId, key_secret: secret } = made.body;
  const authorization = `Bearer ${keyId}:${secret}`;
  return {
    keyId,
    secret,
    authorization,
    ask: (method, url, body, headers = {}) =>
      server.ask(request(method, url, body, { authorization, ...headers })),
  };
}

function request(
  method: InjectOptions["method"],
  url: string,
  body: unknown,
  headers: object,
): InjectOptions {
  const options: InjectOptions = { url, headers: { ...headers } };
  if (method !== undefined) options.method = method;
  if (body !== undefined) {
    options.payload =
      typeof body === "string" || Buffer.isBuffer(body) ? body : JSON.stringify(body);
    options.headers = { "content-type": "application/json", ...options.headers };
  }
  return options;
}
