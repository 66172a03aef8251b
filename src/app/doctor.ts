// Looks at everything an installation needs and says what is wrong with it, and what mends it.
// Changes nothing.

import { join } from "node:path";
import { createTwilioCarrier } from "../carrier/twilio/twilio-carrier.ts";
import { createModel } from "../model/ai-model.ts";
import type { Database } from "../ports/database.ts";
import { listAccountCredentials } from "../store/carrier-credentials.ts";
import { readSchemaState } from "../store/migrate.ts";
import type { Config } from "./config.ts";
import { loadEncryptionKey } from "./encryption-key.ts";
import { readMigrationFiles } from "./migration-files.ts";
import { withStore, type Store } from "./open-store.ts";
import { packageRoot } from "./package-root.ts";
import { createSecretBox } from "./secret-box.ts";
import { startSystemClock } from "./system-clock.ts";
import { systemRandom } from "./system-random.ts";

export interface Finding {
  readonly name: string;
  readonly state: "ok" | "warning" | "problem";
  readonly message: string;
}

/** More than this between the machine and the database is worth knowing: logs will not line up. */
const MAX_SKEW_MS = 1_000;
const PUBLIC_URL_TIMEOUT_MS = 5_000;
const MODEL_TIMEOUT_MS = 15_000;

export async function examine(
  config: Config,
  onNotice: (notice: string) => void,
): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  try {
    await withStore(config, onNotice, async (database, store) => {
      findings.push({ name: "database", state: "ok", message: store.description });
      findings.push(await examineSchema(database));
      findings.push(await examineClock(database));
      findings.push(...(await examineAccounts(config, database, store)));
    });
  } catch (error) {
    findings.push({ name: "database", state: "problem", message: (error as Error).message });
  }
  findings.push(await examinePublicUrl(config));
  findings.push(await examineModel(config));
  return findings;
}

async function examineSchema(database: Database): Promise<Finding> {
  const migrations = await readMigrationFiles(join(packageRoot(), "migrations"));
  const { current, latest } = await readSchemaState(database, migrations);
  const isCurrent = current === latest;
  return {
    name: "schema",
    state: isCurrent ? "ok" : "problem",
    message: `at ${current} of ${latest}`,
  };
}

async function examineClock(database: Database): Promise<Finding> {
  const clock = await startSystemClock(database);
  const skewMs = Math.round(Date.now() - clock.now());
  clock.stop();
  const state = Math.abs(skewMs) <= MAX_SKEW_MS ? "ok" : "warning";
  return {
    name: "clock",
    state,
    message: `this machine is ${skewMs} ms ahead of the database, whose time counts`,
  };
}

async function examineAccounts(
  config: Config,
  database: Database,
  store: Store,
): Promise<readonly Finding[]> {
  const accounts = await listAccountCredentials(database);
  if (accounts.length === 0) {
    return [{ name: "carrier", state: "warning", message: "no number was imported yet" }];
  }
  const { key } = loadEncryptionKey({
    explicit: config.get("CARILLON_ENCRYPTION_KEY"),
    dataDirectory: store.dataDirectory,
  });
  const secretBox = createSecretBox(key, systemRandom);
  const clock = await startSystemClock(database);
  const quiet = { debug: () => {}, info: () => {}, warn: () => {} };
  const baseUrl = config.require("TWILIO_API_BASE_URL");
  const carrier = createTwilioCarrier({
    baseUrl,
    publicUrl: "http://localhost",
    clock,
    log: quiet,
  });
  const findings: Finding[] = [];
  for (const account of accounts) {
    const { carrierAccountId } = account;
    const authToken = secretBox.decrypt(account.authTokenEncrypted);
    const check = await carrier.checkAccount({ carrierAccountId, authToken });
    const name = `carrier ${carrierAccountId.slice(0, 6)}…`;
    if (check.kind === "verified")
      findings.push({ name, state: "ok", message: `${check.accountType} account, active` });
    else findings.push({ name, state: "problem", message: check.message });
  }
  await carrier.close();
  clock.stop();
  return findings;
}

async function examinePublicUrl(config: Config): Promise<Finding> {
  const url = config.get("CARILLON_PUBLIC_URL");
  const name = "public URL";
  if (url === null) {
    return {
      name,
      state: "warning",
      message: "CARILLON_PUBLIC_URL is not set; a real carrier cannot reach this server",
    };
  }
  if (!url.startsWith("https://"))
    return { name, state: "warning", message: `${url} is not https; Twilio needs https` };
  try {
    const response = await fetch(`${url}/v1/health`, {
      signal: AbortSignal.timeout(PUBLIC_URL_TIMEOUT_MS),
    });
    return {
      name,
      state: response.ok ? "ok" : "problem",
      message: `${url}/v1/health answers ${response.status}`,
    };
  } catch (error) {
    return {
      name,
      state: "problem",
      message: `${url} cannot be reached: ${(error as Error).message}`,
    };
  }
}

async function examineModel(config: Config): Promise<Finding> {
  const name = "model";
  const model = createModel({
    model: config.get("CARILLON_MODEL"),
    baseUrl: config.get("CARILLON_MODEL_BASE_URL"),
    apiKey: config.get("CARILLON_MODEL_API_KEY"),
  });
  const configuration = model.configuration();
  if (configuration.kind === "missing")
    return { name, state: "problem", message: configuration.instruction };
  const request = {
    messages: [{ role: "user" as const, content: "Say: ready." }],
    tools: [],
    temperature: 0,
    maxOutputTokens: 20,
  };
  for await (const chunk of model.reply(request, AbortSignal.timeout(MODEL_TIMEOUT_MS))) {
    if (chunk.kind === "text")
      return { name, state: "ok", message: `${configuration.name} answers` };
    if (chunk.kind === "failed")
      return { name, state: "problem", message: `${configuration.name}: ${chunk.message}` };
  }
  return {
    name,
    state: "problem",
    message: `${configuration.name} gave no answer in ${MODEL_TIMEOUT_MS / 1000} s`,
  };
}
