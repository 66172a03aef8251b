// The composition root: from settings to a running server, and back. Everything that has a lifetime
// is started here, in order, and stopped in the opposite one.

import { join } from "node:path";
import type { FastifyPluginAsync } from "fastify";
import type { Logger } from "pino";
import { prepareGreeting } from "../agent/greeting.ts";
import { createTwilioCarrier } from "../carrier/twilio/twilio-carrier.ts";
import { newRowId } from "../domain/ids.ts";
import { createCampaignVerbs } from "../engine/campaign-verbs.ts";
import { deleteDueRecordings } from "../engine/delete-recordings.ts";
import { createEngine, type Engine } from "../engine/engine.ts";
import { metricsRoute } from "../http/metrics-route.ts";
import { createHttpServer } from "../http/server.ts";
import { prepareOpening } from "../http/voice-openings.ts";
import { createJobs } from "../jobs/jobs.ts";
import type { Model } from "../ports/model.ts";
import type { Config } from "./config.ts";
import { configuredModel } from "./configured-model.ts";
import { openDatabase, type OpenDatabase } from "./database.ts";
import { loadEncryptionKey } from "./encryption-key.ts";
import { createHealthCheck } from "./health.ts";
import { createInstallationGauges } from "./metrics-gauges.ts";
import { createMetrics } from "./metrics.ts";
import { readMigrationFiles } from "./migration-files.ts";
import { openStore, type Store } from "./open-store.ts";
import { withOpenings } from "./opening-carrier.ts";
import { createHttpOutbound } from "./outbound/http-outbound.ts";
import { ensureOperatorToken } from "./operator-token.ts";
import { packageRoot, packageVersion } from "./package-root.ts";
import { startProcessReports } from "./process-reports.ts";
import { createSecretBox } from "./secret-box.ts";
import { startSystemClock } from "./system-clock.ts";
import { systemRandom } from "./system-random.ts";
import { stopInOrder, type Stop } from "./stop-in-order.ts";
import { startTickLoop, type TickLoop } from "./tick-loop.ts";
import { createVoice } from "./voice.ts";

/** The HTTP room's connections, and the engine's: neither can starve the other. */
const HTTP_CONNECTIONS = 10;
const ENGINE_CONNECTIONS = 10;
/** Requests of agents' own tools to one host at once, over all keys. */
const TOOLS_PER_HOST = 100;
/** How long conversations may go on after a stop was asked for: most of what a stop may take. */
const VOICE_DRAIN_MS = 20_000;
/** For the last facts of those that were cut off then. */
const VOICE_END_MS = 1_000;
/**
 * How long an answer of the carrier is waited for. One that takes longer is looked for in its
 * books, like any other that nobody heard.
 */
const PLACING_DRAIN_MS = 10_000;
/** Requests of users and webhooks to them that are under way. */
const WORK_DRAIN_MS = 5_000;
/** The embedded database shuts down fast, then at once: bounded by itself. */
const STORE_STOP_MS = 20_000;
/** Wakes every process's dialer and jobs. */
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
  /**
   * Stops claiming, finishes what is being placed, lets conversations end, closes everything. In
   * bounded time (stop-in-order.ts), so something may be left behind: the process should end then.
   */
  stop(): Promise<void>;
}

/** @throws Error with what to do: settings, database, port */
export async function startServer(options: StartServerOptions): Promise<RunningServer> {
  // What was started, so that it is stopped in the opposite order, also when a later part fails.
  const stops: Stop[] = [];
  const stop = (): Promise<void> => stopInOrder(stops, options);
  try {
    const store = await openStore(options.config, options);
    stops.push({ what: "store", run: () => store.stop(), maxMs: STORE_STOP_MS, isLast: true });
    const base = await startBase(options, store, stops);
    const jobs = startJobs(options, base, stops);
    const dialer = startDialer(options, base, jobs, stops);
    const front = await startFront(options, base, dialer, stops);
    return {
      url: front.url,
      storeDescription: store.description,
      newOperatorToken: base.newOperatorToken,
      hints: hintsOf(options.config, base.model),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

type Base = Awaited<ReturnType<typeof startBase>>;

/** Database, clock, secrets and the two sides the dialer talks to. */
async function startBase(options: StartServerOptions, store: Store, stops: Stop[]) {
  const { config, log } = options;
  const open = async (maxConnections: number, applicationName: string): Promise<OpenDatabase> => {
    const { connectionString } = store;
    const database = await openDatabase({ connectionString, maxConnections, applicationName });
    stops.push({ what: applicationName, run: () => database.close() });
    return database;
  };
  const httpDatabase = await open(HTTP_CONNECTIONS, "carillon http");
  const engineDatabase = await open(ENGINE_CONNECTIONS, "carillon engine");
  const clock = await startSystemClock(engineDatabase);
  stops.push({ what: "clock", run: () => clock.stop() });
  const explicit = config.get("CARILLON_ENCRYPTION_KEY");
  const encryption = loadEncryptionKey({ explicit, dataDirectory: store.dataDirectory });
  if (encryption.madeIn !== null && config.get("DATABASE_URL") !== null) {
    options.onNotice(
      `Made an encryption key in ${encryption.madeIn}; every process needs the same one.`,
    );
  }
  const configuredToken = config.get("CARILLON_OPERATOR_TOKEN");
  const model = configuredModel(config, options.onNotice);
  const address = await chooseAddress(config);
  const publicUrl = config.get("CARILLON_PUBLIC_URL") ?? address.url;
  const baseUrl = config.require("TWILIO_API_BASE_URL");
  const metrics = createMetrics(clock, packageVersion());
  const onWritten = (lateMs: number): void => metrics.written(lateMs);
  const carrier = createTwilioCarrier({ baseUrl, publicUrl, clock, log, onWritten });
  stops.push({ what: "carrier", run: () => carrier.close() });
  const addresses = {
    allowLocal: config.require("CARILLON_ALLOW_LOCAL_URLS"),
    userAgent: `Carillon/${packageVersion()}`,
  };
  const outbound = createHttpOutbound(addresses);
  // Apart from webhooks, and wide: somebody on the phone waits for a tool.
  const toolOutbound = createHttpOutbound({ ...addresses, connectionsPerHost: TOOLS_PER_HOST });
  stops.push({
    what: "outbound requests",
    run: async () => void (await Promise.all([outbound.close(), toolOutbound.close()])),
  });
  return {
    httpDatabase,
    engineDatabase,
    clock,
    model,
    carrier,
    metrics,
    outbound,
    toolOutbound,
    publicUrl,
    port: address.port,
    owner: newRowId("proc", systemRandom),
    secretBox: createSecretBox(encryption.key, systemRandom),
    newOperatorToken: await ensureOperatorToken(httpDatabase, systemRandom, configuredToken),
  };
}

/** Webhooks and other work behind the calls; null when jobs are not a role of this process. */
function startJobs(options: StartServerOptions, base: Base, stops: Stop[]): TickLoop | null {
  const { config, log } = options;
  if (!config.require("CARILLON_ROLES").includes("jobs")) return null;
  const { clock, engineDatabase, model, outbound, carrier, publicUrl, secretBox } = base;
  const work = createJobs({
    clock,
    outbound,
    publicUrl,
    model,
    secretBox,
    log,
    random: systemRandom,
    database: engineDatabase,
    retention: {
      conversations: config.require("CARILLON_RETENTION_CONVERSATION_DAYS"),
      records: config.require("CARILLON_RETENTION_RECORDS_DAYS"),
      deliveries: config.require("CARILLON_RETENTION_DELIVERIES_DAYS"),
      evidence: config.require("CARILLON_RETENTION_EVIDENCE_DAYS"),
    },
  });
  const loop = startTickLoop({ work: base.metrics.timed("jobs", work), clock, log });
  const decryptToken = (encrypted: Uint8Array): string => secretBox.decrypt(encrypted);
  const recordings = { clock, database: engineDatabase, carrier, log, decryptToken };
  const tick = (): ReturnType<typeof deleteDueRecordings> => deleteDueRecordings(recordings);
  const deletions = startTickLoop({ work: { tick }, clock, log });
  const drain = async (): Promise<void> => {
    await Promise.all([loop.stop(), deletions.stop()]);
    await work.drain();
  };
  stops.push({ what: "jobs", run: drain, maxMs: WORK_DRAIN_MS });
  return loop;
}

interface RunningDialer {
  readonly engine: Engine;
  /** null when dialing is not a role of this process. */
  readonly loop: TickLoop | null;
  /** Wakes this process's dialer and jobs, and the others'. */
  readonly wake: () => void;
  /** The same for this process alone. */
  readonly wakeHere: () => void;
}

function startDialer(
  options: StartServerOptions,
  base: Base,
  jobs: TickLoop | null,
  stops: Stop[],
): RunningDialer {
  const { clock, model, carrier, owner, secretBox } = base;
  const { log } = options;
  const openings = { database: base.httpDatabase, model, clock, random: systemRandom, log };
  const engine = createEngine({
    clock,
    random: systemRandom,
    database: base.engineDatabase,
    carrier: withOpenings(carrier, (dial) => prepareOpening(openings, dial)),
    model,
    owner,
    log,
    meters: base.metrics.engine,
    curfew: options.config.get("CARILLON_CURFEW") ?? null,
    decryptToken: (encrypted) => secretBox.decrypt(encrypted),
    prepareGreeting: (settings, variables) => prepareGreeting(settings, variables),
  });
  const isDialer = options.config.require("CARILLON_ROLES").includes("dialer");
  const timed = base.metrics.timed("engine", engine);
  const loop = isDialer ? startTickLoop({ work: timed, clock, log }) : null;
  stops.push({ what: "dialer", run: () => stopDialing(engine, loop) });
  const wakeHere = (): void => {
    loop?.wake();
    jobs?.wake();
  };
  const wake = (): void => {
    wakeHere();
    // Others may be asleep, and this process may not dial. A lost notification costs a nap.
    base.httpDatabase.query(`select pg_notify('${WAKE_CHANNEL}', '')`).catch(() => {});
  };
  return { engine, loop, wake, wakeHere };
}

async function startFront(
  options: StartServerOptions,
  base: Base,
  dialer: RunningDialer,
  stops: Stop[],
): Promise<{ readonly url: string }> {
  const { config, log } = options;
  const { httpDatabase, engineDatabase, clock, model, carrier, publicUrl, owner, secretBox } = base;
  const { engine, loop, wake, wakeHere } = dialer;
  const version = packageVersion();
  const voice = createVoice({
    config,
    database: httpDatabase,
    model,
    clock,
    owner,
    log,
    publicUrl,
    secretBox,
    outbound: base.toolOutbound,
    apply: async (events) => {
      await engine.apply(events);
      // An ended call frees a slot: whoever dials should look.
      if (loop === null) wake();
      else wakeHere();
    },
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
    version,
    health: createHealthCheck({
      database: httpDatabase,
      clock,
      model,
      loop,
      version,
      sinceTickMs: () => base.metrics.sinceTickMs(),
      latestSchema: (await readMigrationFiles(join(packageRoot(), "migrations"))).length,
    }),
    extensions: [voice.webhooks, metricsExtension(config, base)],
  });
  stops.push({ what: "http", run: () => app.close(), maxMs: WORK_DRAIN_MS });
  stops.push({ what: "voice sockets", run: voice.attach(app.server) });
  const listener = await engineDatabase.listen(WAKE_CHANNEL, wakeHere);
  stops.push({ what: "listener", run: () => listener.close() });
  const roles = config.require("CARILLON_ROLES");
  const parts = { database: engineDatabase, clock, owner, roles, voice, log };
  const reports = await startProcessReports(parts);
  stops.push({ what: "process reports", run: () => reports.stop() });
  const url = await app.listen({ host: config.require("CARILLON_HOST"), port: base.port });
  // Last in, first out: conversations may end before anything else goes, and nothing new is dialed.
  const drain = (): Promise<unknown> =>
    Promise.all([stopDialingInTime(options, dialer), voice.drain(VOICE_DRAIN_MS)]);
  stops.push({ what: "calls", run: drain, maxMs: VOICE_DRAIN_MS + VOICE_END_MS });
  return { url };
}

function stopDialingInTime(
  { log }: StartServerOptions,
  { engine, loop }: RunningDialer,
): Promise<void> {
  const run = (): Promise<void> => stopDialing(engine, loop);
  return stopInOrder([{ what: "dialing", run, maxMs: PLACING_DRAIN_MS }], { log });
}

// Nothing new at once, whatever the tick under way waits for; what that tick still took is given
// back after it.
async function stopDialing(engine: Engine, loop: TickLoop | null): Promise<void> {
  await Promise.all([engine.drain(), loop?.stop()]);
  await engine.drain();
}

function metricsExtension(config: Config, base: Base): FastifyPluginAsync {
  const { httpDatabase: database, clock, metrics } = base;
  const { registry } = metrics;
  const readInstallation = createInstallationGauges(registry, { database, clock });
  return metricsRoute({
    database,
    token: config.get("CARILLON_METRICS_TOKEN"),
    contentType: registry.contentType,
    render: async () => {
      await readInstallation();
      return registry.metrics();
    },
  });
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

function hintsOf(config: Config, model: Model): readonly string[] {
  const hints: string[] = [];
  const configuration = model.configuration();
  if (configuration.kind === "missing") hints.push(configuration.instruction);
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
