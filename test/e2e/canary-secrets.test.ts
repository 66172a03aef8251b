// Every secret that enters the product is planted recognisably, lives through a campaign, its
// errors, its outages and every command, with the log at its most talkative, and is then searched
// for wherever something comes out: answers, logs, webhooks, documents, commands, the database.

import { execFile } from "node:child_process";
import { connect } from "node:net";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { packageRoot } from "../../src/app/package-root.ts";
import { startStandaloneSimulator } from "../../src/app/standalone-simulator.ts";
import { makeTemporaryDataDirectory } from "../../src/app/temporary-data-directory.ts";
import { DEFAULT_ACCOUNT_SID } from "../../src/simulator/carrier-model/default-account.ts";
import type { Simulator } from "../../src/simulator/simulator.ts";
import { API_POLL_MS, FROM_NUMBER, testPhones } from "../support/campaign-set-up.ts";
import { createCanaries } from "../support/canaries.ts";
import { startServerProcess, type ServerProcess } from "../support/server-process.ts";
import { createTestDatabase, type TestDatabase } from "../support/test-database.ts";
import { waitFor } from "../support/wait-for.ts";
import { webhookReceiver } from "../support/webhook-receiver.ts";

const canaries = createCanaries();
const secrets = {
  operator: canaries.plant("operator token"),
  // 32 bytes in hex.
  encryption: canaries.plant("encryption key") + canaries.plant("encryption key, second half"),
  model: canaries.plant("model key"),
  fallbackModel: canaries.plant("fallback model key"),
  carrier: canaries.plant("carrier token"),
  nextCarrier: canaries.plant("next carrier token"),
  wrongCarrier: canaries.plant("wrong carrier token"),
  database: canaries.plant("database password"),
  inAddress: canaries.plant("password in an address"),
};
const ROLE = "canary_role";

let db: TestDatabase;
let drop: () => Promise<void>;
let simulator: Simulator;
let settings: Readonly<Record<string, string>>;
let directory = "";

beforeAll(async () => {
  ({ db, drop } = await createTestDatabase());
  await db.query(`create role ${ROLE} login superuser password '${secrets.database}'`);
  ({ simulator } = await startStandaloneSimulator({
    port: 0,
    speed: 20,
    accounts: [
      {
        account_sid: DEFAULT_ACCOUNT_SID,
        auth_token: secrets.carrier,
        cps: 20,
        numbers: [{ phone_number: FROM_NUMBER }],
      },
    ],
    faults: { list: { foreign: { probability: 0 } } },
  }));
  directory = makeTemporaryDataDirectory("carillon-canaries-");
  const address = new URL(db.connectionString);
  address.username = ROLE;
  address.password = secrets.database;
  settings = {
    CARILLON_DATA_DIR: directory,
    CARILLON_LOG_LEVEL: "trace",
    CARILLON_LOG_PII: "true",
    CARILLON_OPERATOR_TOKEN: secrets.operator,
    CARILLON_ENCRYPTION_KEY: secrets.encryption,
    CARILLON_ALLOW_LOCAL_URLS: "true",
    DATABASE_URL: address.toString(),
    TWILIO_API_BASE_URL: simulator.url,
    CARILLON_MODEL: "openai-compatible:scripted-agent",
    CARILLON_MODEL_BASE_URL: `${simulator.url}/v1`,
    CARILLON_MODEL_API_KEY: secrets.model,
    CARILLON_FALLBACK_MODEL: "openai-compatible:scripted-agent",
    CARILLON_FALLBACK_MODEL_BASE_URL: `${simulator.url}/v1`,
    CARILLON_FALLBACK_MODEL_API_KEY: secrets.fallbackModel,
  };
});

afterAll(async () => {
  await simulator.close();
  await db.query(`drop owned by ${ROLE}`);
  await db.query(`drop role ${ROLE}`);
  await drop();
  rmSync(directory, { recursive: true, force: true });
});

interface Asked {
  readonly status: number;
  // Read as a client would: by name.
  readonly body: any;
}

/** Asks and keeps everything that was answered; `shows` an answer that shows a secret once. */
function asker(server: ServerProcess, answered: string[]) {
  return async (
    method: string,
    path: string,
    options: { body?: unknown; bearer?: string; headers?: object; shows?: true } = {},
  ): Promise<Asked> => {
    const { body, bearer = secrets.operator } = options;
    const response = await fetch(server.url + path, {
      method,
      headers: {
        authorization: `Bearer ${bearer}`,
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...options.headers,
      },
      ...(body !== undefined && { body: typeof body === "string" ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    if (options.shows === undefined) answered.push(`${method} ${path}: ${text}`);
    answered.push(JSON.stringify([...response.headers]));
    const isJson = response.headers.get("content-type")?.includes("json") === true;
    return { status: response.status, body: isJson ? JSON.parse(text) : null };
  };
}

type Ask = ReturnType<typeof asker>;

async function liveThrough(ask: Ask, receiverUrl: string): Promise<string> {
  const key = await ask("POST", "/v1/keys", { body: { name: "Canary" }, shows: true });
  canaries.watch("API secret", key.body.key_secret);
  const rotated = await ask("POST", "/v1/keys/rotate", {
    bearer: `${key.body.key_id}:${key.body.key_secret}`,
    headers: { "idempotency-key": "rotate" },
    shows: true,
  });
  canaries.watch("rotated API secret", rotated.body.key_secret);
  const bearer = `${key.body.key_id}:${rotated.body.key_secret}`;
  const signing = await ask("GET", "/v1/webhooks/secret", { bearer, shows: true });
  canaries.watch("signing secret", signing.body.secret.replace("whsec_", ""));
  const next = await ask("POST", "/v1/webhooks/secret/rotate", {
    bearer,
    headers: { "idempotency-key": "rotate-signing" },
    shows: true,
  });
  canaries.watch("rotated signing secret", next.body.secret.replace("whsec_", ""));
  const agent = await ask("POST", "/v1/agents", {
    bearer,
    body: { name: "Sarah", language: "en", webhook_url: receiverUrl },
  });
  const imported = {
    phone_number: FROM_NUMBER,
    agent_id: agent.body.agent_id,
    twilio_sid: DEFAULT_ACCOUNT_SID,
    twilio_token: secrets.carrier,
    calls_per_second: 20,
  };
  const number = await ask("POST", "/v1/phone-numbers", {
    bearer,
    body: imported,
    headers: { "idempotency-key": "import" },
  });
  expect(number.status).toBe(201);
  const campaign = await ask("POST", "/v1/calls/batch", {
    bearer,
    body: {
      agent_id: agent.body.agent_id,
      prompt: "Remind them.",
      recipients: testPhones(4).map((phone) => ({ phone })),
    },
  });
  const path = `/v1/calls/batch/${campaign.body.campaign_id}`;
  await waitFor(async () => (await ask("GET", path, { bearer })).body.status === "completed", {
    timeoutMs: 120_000,
    pollMs: API_POLL_MS,
    describe: "the campaign to complete",
  });
  return bearer;
}

/** Whatever a hurried person sends by mistake. */
async function sendMistakes(ask: Ask, server: ServerProcess, bearer: string): Promise<void> {
  const number = `/v1/phone-numbers/${encodeURIComponent(FROM_NUMBER)}`;
  const bodies: readonly unknown[] = [
    { twilio_token: secrets.wrongCarrier },
    { phone_number: FROM_NUMBER, twilio_sid: secrets.wrongCarrier, twilio_token: 1 },
    {
      phone_number: "+12025550101",
      agent_id: "a",
      twilio_sid: "AC",
      twilio_token: secrets.carrier,
    },
    { twilio_token: secrets.carrier.repeat(20) },
    { twilio_token: [secrets.carrier] },
    { twilio_token: { token: secrets.carrier } },
    `{"twilio_token":"${secrets.carrier}"`,
    `{"twilio_token":"${secrets.carrier}",}`,
    `{"twilio_token":"${secrets.carrier}\\u0000"}`,
    `twilio_token=${secrets.carrier}`,
    `"${secrets.carrier}"`,
  ];
  for (const body of bodies) {
    await ask("POST", "/v1/phone-numbers", { bearer, body });
    await ask("PATCH", number, { bearer, body });
    const headers = { "content-type": "text/plain" };
    await ask("POST", "/v1/agents", { bearer, body: JSON.stringify(body), headers });
  }
  await ask("PATCH", number, { bearer, body: { twilio_token: secrets.nextCarrier } });
  const address = `https://user:${secrets.inAddress}@example.com/hook`;
  const hooks = `/v1/integrations/webhook/number/${encodeURIComponent(FROM_NUMBER)}`;
  expect((await ask("PUT", hooks, { bearer, body: { url: address } })).status).toBe(400);
  for (const wrong of [
    `${bearer}x`,
    `:${secrets.operator}`,
    `${secrets.operator}:`,
    bearer + bearer,
  ]) {
    await ask("GET", "/v1/agents", { bearer: wrong });
    await ask("GET", "/v1/keys", { bearer: wrong });
  }
  await ask("GET", "/v1/keys", { bearer });
  await ask("GET", `/v1/agents/${secrets.carrier}x`.slice(0, 20), { bearer });
  await ask("GET", "/v1/health");
  for (const page of ["/openapi.json", "/docs/", "/docs/errors", "/docs/json", "/metrics"]) {
    await ask("GET", page);
  }
  await sendRaw(
    server,
    `GET / HTTP/1.1\r\nauthorization: Bearer ${bearer}\r\nbroken header\r\n\r\n`,
  );
}

/** Bytes as they are. Answers when the other side has closed. */
function sendRaw(server: ServerProcess, bytes: string): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect(Number(new URL(server.url).port), "127.0.0.1", () =>
      socket.write(bytes),
    );
    socket.on("close", () => resolve());
    socket.on("error", () => {});
    socket.resume();
  });
}

/** All rows of all tables as text; bytes show as hex. */
async function everyRow(): Promise<string> {
  const { rows: tables } = await db.query<{ name: string }>(
    "select table_name as name from information_schema.tables where table_schema = 'public'",
  );
  const dumped = await Promise.all(
    tables.map(async ({ name }) => {
      const { rows } = await db.query<{ row: string }>(`select t::text as row from ${name} t`);
      return rows.map(({ row }) => row).join("\n");
    }),
  );
  return dumped.join("\n");
}

test("no secret comes out of a server that lived through a campaign, mistakes and an outage", async () => {
  const receiver = await webhookReceiver();
  const server = await startServerProcess(settings);
  onTestFinished(() => void server.end("SIGKILL"));
  const answered: string[] = [];
  const ask = asker(server, answered);
  const bearer = await liveThrough(ask, receiver.url);
  await waitFor(() => receiver.received.length > 0, { describe: "a webhook" });
  await sendMistakes(ask, server, bearer);
  for (const path of ["/v1/calls", "/v1/agents", "/v1/phone-numbers", "/v1/webhooks/deliveries"]) {
    expect((await ask("GET", path, { bearer })).status).toBe(200);
  }
  // The model and the carrier fail, then the database goes.
  const faults = {
    model: { server_error: { probability: 1 } },
    create: { error_before_accept: { probability: 1 } },
  };
  await fetch(`${simulator.url}/simulator/faults`, {
    method: "PUT",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(faults),
  });
  const agents = await ask("GET", "/v1/agents", { bearer });
  await ask("POST", "/v1/calls/outbound", {
    bearer,
    body: { agent_id: agents.body[0].agent_id, to_number: "+12025550111", prompt: "x" },
  });
  const stored = await everyRow();
  await db.query(`alter role ${ROLE} nologin`);
  await db.query("select pg_terminate_backend(pid) from pg_stat_activity where usename = $1", [
    ROLE,
  ]);
  await ask("GET", "/v1/agents", { bearer });
  await ask("GET", "/v1/health");
  await db.query(`alter role ${ROLE} login`);
  await server.end("SIGTERM");

  // The search finds what it should.
  expect(canaries.foundIn(basicOf(DEFAULT_ACCOUNT_SID, secrets.carrier))).toHaveLength(1);
  expect(canaries.foundIn(`x${secrets.operator}`)).toHaveLength(1);
  expect(answered.length).toBeGreaterThan(100);
  expect(canaries.foundIn(answered.join("\n"))).toEqual([]);
  expect(server.output()).toContain('"answered"');
  expect(canaries.foundIn(server.output())).toEqual([]);
  expect(canaries.foundIn(JSON.stringify(receiver.received))).toEqual([]);
  expect(stored).toContain("Canary");
  expect(canaries.foundIn(stored)).toEqual([]);
});

function basicOf(name: string, password: string): string {
  return `Basic ${Buffer.from(`${name}:${password}`).toString("base64")}`;
}

function runCommand(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<string> {
  return new Promise((resolve) => {
    const bin = join(packageRoot(), "bin", "carillon.mjs");
    const options = { env: { PATH: process.env["PATH"] ?? "", ...env }, cwd: directory };
    execFile(process.execPath, [bin, ...args], options, (_error, stdout, stderr) => {
      resolve(stdout + stderr);
    });
  });
}

test.each<[string, readonly string[], Readonly<Record<string, string>>]>([
  ["config", ["config"], {}],
  ["doctor", ["doctor"], {}],
  ["keys list", ["keys", "list"], {}],
  [
    "a database that nobody can reach",
    ["doctor"],
    { DATABASE_URL: `postgres://u:${secrets.database}@127.0.0.1:1/x` },
  ],
  [
    "a database address with a broken port",
    ["serve"],
    { DATABASE_URL: `postgres://u:${secrets.database}@h:port/x` },
  ],
  ["another encryption key", ["doctor"], { CARILLON_ENCRYPTION_KEY: "cd".repeat(32) }],
])("the command line shows no secret: %s", async (_name, args, more) => {
  const printed = await runCommand(args, { ...settings, CARILLON_LOG_LEVEL: "debug", ...more });
  expect(printed).not.toBe("");
  expect(canaries.foundIn(printed)).toEqual([]);
});

test("a broken settings file is told by its lines' numbers", async () => {
  const file = join(directory, "broken.env");
  writeFileSync(file, `CARILLON_OPERATOR_TOKEN ${secrets.operator}\n${secrets.model}\n`);
  const printed = await runCommand(["config"], { CARILLON_CONFIG_FILE: file });
  expect(printed).toContain("Line 1");
  expect(canaries.foundIn(printed)).toEqual([]);
});
