// A server with voice sockets over a real database and the real engine, and the carrier's side of a
// call as a real WebSocket client. The model is scripted; time is real.

import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

import pino from "pino";
import { onTestFinished } from "vitest";
import { WebSocket } from "ws";

import { createHttpOutbound } from "../../src/app/outbound/http-outbound.ts";
import { createSecretBox } from "../../src/app/secret-box.ts";
import { createToolRunner } from "../../src/app/tool-runner.ts";
import { parseRelayCommand, type RelayCommand } from "../../src/carrier/twilio/relay-frames.ts";
import type { AgentSettings } from "../../src/domain/agent-settings.ts";
import { attachRelaySockets } from "../../src/http/relay-socket.ts";
import { createSignatureScreen } from "../../src/http/signature-screen.ts";
import { createVoiceSessions, type VoiceSessions } from "../../src/http/voice-sessions.ts";
import type { Clock } from "../../src/ports/clock.ts";
import type { Database, Row } from "../../src/ports/database.ts";
import type { Model } from "../../src/ports/model.ts";
import { signRequest } from "../../src/simulator/webhooks/signature.ts";
import { AGENT } from "../agent/talk.ts";
import { makeWorld, type World } from "../engine/engine-world.ts";
import type { PlacedOrder } from "../support/scripted-carrier.ts";
import { scriptedModel, type ScriptedModel } from "../support/scripted-model.ts";
import { seededRandom } from "../support/seeded-random.ts";
import { waitFor } from "../support/wait-for.ts";

/** What encrypts secrets in the database of these worlds. */
export const TEST_SECRETS = createSecretBox(new Uint8Array(32).fill(7), seededRandom(9));

const TOKEN = "0123456789abcdef0123456789abcdef";

const realClock: Clock = {
  now: () => Date.now(),
  monotonicMs: () => performance.now(),
  state: () => ({ kind: "steady" }),
};

export interface RelayWorld {
  readonly world: World;
  readonly model: ScriptedModel;
  readonly sessions: VoiceSessions;
  readonly address: string;
  /** Places a call through the engine and answers what the carrier was asked. */
  place(phone?: string): Promise<PlacedOrder>;
  /** The carrier's connection for a placed call: upgrade and setup. */
  connect(placed: PlacedOrder, options?: ConnectOptions): Promise<Line>;
  row(placed: PlacedOrder): Promise<Row>;
}

export interface ConnectOptions {
  readonly signature?: string;
  readonly path?: string;
  /** Changes to the setup frame; null sends none. */
  readonly setup?: Readonly<Record<string, unknown>> | null;
}

export interface RelayWorldOptions {
  readonly agent?: Partial<AgentSettings>;
  readonly maxSessions?: number;
  /** Tools of the agent may be on this machine. */
  readonly allowLocalTools?: boolean;
  /** Instead of the scripted one. */
  readonly languageModel?: Model;
  /** Stands before the real database. */
  readonly database?: (db: Database) => Database;
}

let phones = 100;

export async function relayWorld(options: RelayWorldOptions = {}): Promise<RelayWorld> {
  const world = await makeWorld();
  await world.db.query("update agents set settings = $1", [
    JSON.stringify({ ...AGENT, welcome_message: "Hello.", ...options.agent }),
  ]);
  await world.db.query(`update phone_numbers set settings = '{"custom_prompt": null}'`);
  const model = scriptedModel();
  const outbound = createHttpOutbound({
    allowLocal: options.allowLocalTools ?? false,
    userAgent: "Carillon/test",
  });
  const log = pino({ level: "silent" });
  const sessions = createVoiceSessions({
    database: options.database?.(world.db) ?? world.db,
    model: options.languageModel ?? model,
    clock: realClock,
    random: seededRandom(7),
    owner: "proc_voice",
    maxSessions: options.maxSessions ?? 10,
    apply: (events) => world.engine.apply(events),
    runTool: createToolRunner({
      clock: realClock,
      random: seededRandom(8),
      database: world.db,
      outbound,
      secretBox: TEST_SECRETS,
    }),
    log,
  });
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const publicUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const detach = attachRelaySockets(server, {
    publicUrl,
    sessions,
    log,
    screen: createSignatureScreen({
      listTokens: () => Promise.resolve([TOKEN]),
      monotonicMs: () => performance.now(),
    }),
    tokensOfCall: (callId) =>
      Promise.resolve(
        world.carrier.placed.some(({ order }) => order.callId === callId)
          ? { carrierAccountId: accountOf(world), tokens: [TOKEN] }
          : null,
      ),
  });
  onTestFinished(async () => {
    await sessions.drain(0);
    detach();
    server.close();
    await outbound.close();
  });
  const address = publicUrl.replace("http", "ws");
  return {
    world,
    model,
    sessions,
    address,
    place: async (phone = nextPhone()) => {
      await world.addCampaign([phone]);
      const count = world.carrier.placed.length;
      for (let ticks = 0; ticks < 10 && world.carrier.placed.length === count; ticks += 1) {
        await world.run(1_000);
      }
      const placed = world.carrier.placed.at(-1);
      if (placed === undefined || placed.order.to !== phone) throw new Error("nothing was dialed");
      return placed;
    },
    connect: (placed, how) => connect(world, address, placed, how ?? {}),
    row: async (placed) => {
      const { rows } = await world.db.query("select * from calls where id = $1", [
        placed.order.callId,
      ]);
      return rows[0] ?? {};
    },
  };
}

function nextPhone(): string {
  phones += 1;
  return `+12025550${phones}`;
}

function accountOf(world: World): string {
  return `AC${world.keyId.replace("key", "acct")}`;
}

/** The carrier's end of a voice socket. */
export interface Line {
  readonly commands: readonly RelayCommand[];
  /** null while open. */
  readonly closed: { readonly code: number; readonly reason: string } | null;
  send(frame: Readonly<Record<string, unknown>>): void;
  sendRaw(text: string): void;
  say(text: string): void;
  /** Everything sent to the voice so far. */
  spoken(): string;
  /** Waits until this was sent to the voice. */
  hears(text: string): Promise<void>;
  /** Waits for the `end` command; answers its handoff data. */
  ends(): Promise<unknown>;
  hangUp(): void;
  drop(): void;
  closes(): Promise<number>;
}

async function connect(
  world: World,
  address: string,
  placed: PlacedOrder,
  options: ConnectOptions,
): Promise<Line> {
  const { callId, dialNumber } = placed.order;
  const url = address + (options.path ?? `/twilio/relay/${callId}/${dialNumber}`);
  const socket = new WebSocket(url, {
    headers: { "x-twilio-signature": options.signature ?? signRequest(TOKEN, url, null) },
  });
  const line = lineOf(socket);
  await once(socket, "open");
  if (options.setup === null) return line;
  line.send({
    type: "setup",
    sessionId: `VX${callId.slice(-8)}`,
    accountSid: accountOf(world),
    callSid: placed.carrierCallId,
    from: placed.order.from,
    to: placed.order.to,
    direction: "outbound-api",
    callStatus: "IN_PROGRESS",
    customParameters: {},
    ...options.setup,
  });
  return line;
}

function lineOf(socket: WebSocket): Line {
  const commands: RelayCommand[] = [];
  let closed: Line["closed"] = null;
  socket.on("message", (data: Buffer) => {
    const parsed = parseRelayCommand(data.toString("utf8"));
    if (parsed.kind !== "command") throw new Error(`not a command: ${data.toString("utf8")}`);
    commands.push(parsed.command);
    if (parsed.command.type === "end") socket.close(1000, "Closing websocket session");
  });
  socket.on("close", (code, reason) => {
    closed = { code, reason: reason.toString("utf8") };
  });
  const send = (frame: object): void => socket.send(JSON.stringify(frame));
  const spoken = (): string =>
    commands.map((command) => (command.type === "text" ? command.token : "")).join("");
  const said = (): string => `said: ${spoken()}, closed: ${JSON.stringify(closed)}`;
  return {
    commands,
    get closed() {
      return closed;
    },
    send,
    sendRaw: (text) => socket.send(text),
    say: (text) => send({ type: "prompt", voicePrompt: text, lang: "en-US", last: true }),
    spoken,
    hears: async (text) => {
      await waitFor(() => spoken().includes(text), { describe: () => `"${text}"; ${said()}` });
    },
    ends: async () => {
      const end = await waitFor(() => commands.find((command) => command.type === "end"), {
        timeoutMs: 20_000,
        describe: () => `the end; ${said()}`,
      });
      return JSON.parse(end.type === "end" ? (end.handoffData ?? "null") : "null");
    },
    hangUp: () => socket.close(1000, "Closing websocket session"),
    drop: () => socket.terminate(),
    closes: async () =>
      (await waitFor(() => closed, { describe: () => `a close; ${said()}` })).code,
  };
}
