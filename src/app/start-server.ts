// The composition root: from settings to a running server, and back. Everything that has a lifetime
// is started here, in order, and stopped in the opposite one.

import type { Logger } from "pino";
import { prepareGreeting } from "../agent/greeting.ts";
import { createTwilioCarrier } from "../carrier/twilio/twilio-carrier.ts";
import { newRowId } from "../domain/ids.ts";
import { createCampaignVerbs } from "../engine/campaign-verbs.ts";
import { createEngine, type Engine } from "../engine/engine.ts";
import { createHttpServer } from "../http/server.ts";
import { createModel } from "../model/ai-model.ts";
import type { Config } from "./config.ts";
import { openDatabase, type OpenDatabase } from "./database.ts";
import { startDialingLoop } from "./dialing-loop.ts";
import { loadEncryptionKey } from "./encryption-key.ts";
import { createHealthCheck } from "./health.ts";
import { openStore, type Store } from "./open-store.ts";
import { ensureOperatorToken } from "./operator-token.ts";
import { packageVersion } from "./package-root.ts";
import { startProcessReports } from "./process-reports.ts";
import { createSecretBox } from "./secret-box.ts";
import { startSystemClock } from "./system-clock.ts";
import { systemRandom } from "./system-random.ts";
import { createVoice } from "./voice.ts";

/** The HTTP room's connections, and the engine's: neither can starve the other. */
const HTTP_CONNECTIONS = 10;
const ENGINE_CONNECTIONS = 10;
/** How long conversations may go on after a stop was asked for. */
const VOICE_DRAIN_MS = 20_000;
/** Wakes every process's dialer. */
const WAKE_CHANNEL = "carillon_wake";

export interface StartServerOptions {
  readonly config: Config;
  readonly log: Logger;
  readonly onNotice: (notice: string) => void;
  /** The database is gone for good. */
  readonly onLost: (error: Error) => void;
}

export interface RunningServer {
  /** Where it listens. */
  readonly url: string;
  readonly storeDescription: string;
  /** Made at this start and not shown again; null when there was one. */
  readonly newOperatorToken: string | null;
  /** What still has to be set before anybody can be called. */
  readonly hints: readonly string[];
  /** Ready to connect to: for commands that run a server inside. */
  readonly connectionString: string;
  /**
   * Stops claiming, finishes what is being placed, lets conversations end, closes everything. In
   * bounded time.
   */
  stop(): Promise<void>;
}

/** @throws Error with what to do: settings, database, port */
export async function startServer(options: StartServerOptions): Promise<RunningServer> {
  const store = await openStore(options.config, options);
  try {
    return await startOnStore(options, store);
  } catch (error) {
    await store.stop();
    throw error;
  }
}

async function startOnStore(options: StartServerOptions, store: Store): Promise<RunningServer> {
  const { config, log } = options;
  const open = (maxConnections: number, applicationName: string): Promise<OpenDatabase> =>
    openDatabase({ connectionString: store.connectionString, maxConnections, applicationName });
  const httpDatabase = await open(HTTP_CONNECTIONS, "carillon http");
  const engineDatabase = await open(ENGINE_CONNECTIONS, "carillon engine");
  const clock = await startSystemClock(engineDatabase);
  const encryption = loadEncryptionKey({
    explicit: config.get("CARILLON_ENCRYPTION_KEY"),
    dataDirectory: store.dataDirectory,
  });
  if (encryption.madeIn !== null && config.get("DATABASE_URL") !== null) {
    options.onNotice(
      `Made an encryption key in ${encryption.madeIn}; every process of the installation needs the same one.`,
    );
  }
  const secretBox = createSecretBox(encryption.key, systemRandom);
  const newOperatorToken = await ensureOperatorToken(
    httpDatabase,
    systemRandom,
    config.get("CARILLON_OPERATOR_TOKEN"),
  );
  const roles = config.require("CARILLON_ROLES");
  const owner = newRowId("proc", systemRandom);
  const model = createModel({
    model: config.get("CARILLON_MODEL"),
    baseUrl: config.get("CARILLON_MODEL_BASE_URL"),
    apiKey: config.get("CARILLON_MODEL_API_KEY"),
  });
  const address = await chooseAddress(config);
  const publicUrl = config.get("CARILLON_PUBLIC_URL") ?? address.url;
  const carrier = createTwilioCarrier({
    baseUrl: config.require("TWILIO_API_BASE_URL"),
    publicUrl,
    clock,
    log,
  });
  const engine = createEngine({
    clock,
    random: systemRandom,
    database: engineDatabase,
    carrier,
    model,
    owner,
    log,
    decryptToken: (encrypted) => secretBox.decrypt(encrypted),
    prepareGreeting: (settings, variables) => prepareGreeting(settings, variables),
  });
  const loop = roles.includes("dialer") ? startDialingLoop({ engine, clock, log }) : null;
  const wake = (): void => {
    loop?.wake();
    // Others may be asleep, and this process may not dial at all. A lost notification costs a nap.
    httpDatabase.query(`select pg_notify('${WAKE_CHANNEL}', '')`).catch(() => {});
  };
  const wakingEngine: Engine = {
    ...engine,
    apply: async (events) => {
      await engine.apply(events);
      if (loop === null) wake();
      else loop.wake();
    },
  };
  const voice = createVoice({
    config,
    database: httpDatabase,
    model,
    clock,
    owner,
    log,
    publicUrl,
    secretBox,
    engine: wakingEngine,
  });
  const health = createHealthCheck({
    database: httpDatabase,
    clock,
    model,
    loop,
    version: packageVersion(),
  });
  const app = createHttpServer({
    database: httpDatabase,
    clock,
    random: systemRandom,
    carrier,
    model,
    engine: { wake },
    campaignVerbs: createCampaignVerbs({ database: httpDatabase, clock }),
    settings: {
      publicUrl,
      maxBodyBytes: config.require("CARILLON_MAX_BODY_BYTES"),
      rateLimitPerMinute: config.require("CARILLON_RATE_LIMIT_PER_MINUTE"),
      allowLocalUrls: config.require("CARILLON_ALLOW_LOCAL_URLS"),
    },
    secretBox,
    log,
    version: packageVersion(),
    health,
    extensions: [voice.webhooks],
  });
  const detachSockets = voice.attach(app.server);
  const listener = await engineDatabase.listen(WAKE_CHANNEL, () => loop?.wake());
  const reports = await startProcessReports({
    database: engineDatabase,
    clock,
    owner,
    roles,
    voice,
    log,
  });
  const url = await app.listen({ host: config.require("CARILLON_HOST"), port: address.port });
  return {
    url,
    storeDescription: store.description,
    newOperatorToken,
    hints: hintsOf(config, model.configuration()),
    connectionString: store.connectionString,
    stop: async () => {
      await loop?.stop();
      await engine.drain();
      await voice.drain(VOICE_DRAIN_MS);
      await reports.stop();
      await listener.close();
      detachSockets();
      await app.close();
      await carrier.close();
      clock.stop();
      await engineDatabase.close();
      await httpDatabase.close();
      await store.stop();
    },
  };
}

// The public address is part of every callback, so the port must be known before the first call is
// placed.
async function chooseAddress(
  config: Config,
): Promise<{ readonly port: number; readonly url: string }> {
  const host = config.require("CARILLON_HOST");
  const port = config.require("CARILLON_PORT");
  const chosen = port === 0 ? await freePort(host) : port;
  const shown = host === "0.0.0.0" ? "127.0.0.1" : host === "::" ? "[::1]" : host;
  return { port: chosen, url: `http://${shown}:${chosen}` };
}

async function freePort(host: string): Promise<number> {
  const { createServer } = await import("node:net");
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once("error", reject);
    probe.listen(0, host, () => {
      const address = probe.address();
      probe.close(() => {
        resolve(typeof address === "object" && address !== null ? address.port : 0);
      });
    });
  });
}

function hintsOf(
  config: Config,
  model: ReturnType<ReturnType<typeof createModel>["configuration"]>,
): readonly string[] {
  const hints: string[] = [];
  if (model.kind === "missing") hints.push(model.instruction);
  if (
    config.get("CARILLON_PUBLIC_URL") === null &&
    config.source("TWILIO_API_BASE_URL") === "default"
  ) {
    hints.push(
      "CARILLON_PUBLIC_URL is not set: Twilio cannot reach this server until it is an https address of yours.",
    );
  }
  return hints;
}
