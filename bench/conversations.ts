// Many conversations at once in one process: how long ours takes from the person's final words to
// our first token on its way to the socket, beyond the model's own time. Frames are parsed and
// written as in production; the model is a stub with a fixed pace, the network is left out.
//
//   node scripts/on-node.mjs node bench/conversations.ts [conversations] [turns]

import pino from "pino";

import { planSession, startSession } from "../src/agent/session-state.ts";
import { parseRelayFrame } from "../src/carrier/twilio/relay-frames.ts";
import { agentDefaults } from "../src/http/contract/agent.ts";
import { voiceEventOf } from "../src/http/relay-translation.ts";
import { createVoiceSession, type VoiceSession } from "../src/http/voice-session.ts";
import type { Clock } from "../src/ports/clock.ts";
import type { Model, ModelChunk } from "../src/ports/model.ts";

const CONVERSATIONS = Number(process.argv[2] ?? "500");
const TURNS = Number(process.argv[3] ?? "10");
/** A quick model, and a reply of two sentences at 40 tokens a second. */
const FIRST_TOKEN_MS = 300;
const TOKEN_MS = 25;
const TOKENS = 25;
/** From one end of the person's words to the next: some six turns a minute would be 10 s. */
const TURN_MS = 5_000;

const clock: Clock = {
  now: () => Date.now(),
  monotonicMs: () => performance.now(),
  state: () => ({ kind: "steady" }),
};

const overheadsMs: number[] = [];

/** One person with their conversation; knows when the model gave its first token of this turn. */
class Talk {
  readonly session: VoiceSession;
  saidMs: number | null = null;
  modelMs = 0;

  constructor() {
    const agent = { ...agentDefaults, language: "en" };
    const plan = planSession(agent, {
      preamble: [{ role: "system", content: "x".repeat(4_000) }],
      greeting: "Hello.",
      voicemailMessage: "",
      boundary: "edge",
      isRecorded: false,
      callback: null,
    });
    this.session = createVoiceSession({
      start: startSession({ ...plan, silenceHangupMs: 600_000 }),
      clock,
      model: this.#model(),
      socket: { send: (text) => this.#sent(text), close: () => undefined },
      records: { record: () => undefined, settled: () => Promise.resolve() },
      log: pino({ level: "silent" }),
      runTool: () => Promise.reject(new Error("the agent has no tools")),
      ended: () => undefined,
    });
    this.session.happen({ kind: "connected", answeredAt: null });
    this.receive({ type: "prompt", voicePrompt: "Hello?", last: true });
  }

  /** A frame as it comes over the wire. */
  receive(frame: object): void {
    const parsed = parseRelayFrame(JSON.stringify(frame));
    const event = parsed.kind === "frame" ? voiceEventOf(parsed.frame) : null;
    if (event !== null) this.session.happen(event);
  }

  say(turn: number): void {
    this.saidMs = performance.now();
    this.modelMs = 0;
    const words = `Well, this is turn number ${turn}, and what do you make of it?`;
    this.receive({ type: "prompt", voicePrompt: words, lang: "en-US", last: true });
  }

  #sent(text: string): void {
    const firstOfTurn = this.saidMs !== null && text.includes('"token":"word');
    if (!firstOfTurn || this.saidMs === null) return;
    overheadsMs.push(performance.now() - this.saidMs - this.modelMs);
    this.saidMs = null;
  }

  #model(): Model {
    const noteFirst = (ms: number): void => {
      this.modelMs = ms;
    };
    return {
      configuration: () => ({ kind: "ready", name: "stub" }),
      async *reply(_request, signal): AsyncGenerator<ModelChunk> {
        const askedMs = performance.now();
        await passed(FIRST_TOKEN_MS);
        noteFirst(performance.now() - askedMs);
        for (let index = 0; index < TOKENS && !signal.aborted; index += 1) {
          yield { kind: "text", text: "word " };
          await passed(TOKEN_MS);
        }
        yield { kind: "done", inputTokens: 1_000, outputTokens: TOKENS };
      },
      answer: () => {
        throw new Error("nothing is analysed here");
      },
    };
  }
}

function passed(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}

const talks = Array.from({ length: CONVERSATIONS }, () => new Talk());
const cpuBefore = process.cpuUsage();
const startedMs = performance.now();
await Promise.all(
  talks.map(async (talk, index) => {
    // Spread evenly, as people are.
    await passed((index / CONVERSATIONS) * TURN_MS + TURN_MS / 2);
    for (let turn = 0; turn < TURNS; turn += 1) {
      talk.say(turn);
      await passed(TURN_MS);
    }
  }),
);
const seconds = (performance.now() - startedMs) / 1000;
const cpu = process.cpuUsage(cpuBefore);
for (const talk of talks) talk.session.end("canceled");

const sorted = overheadsMs.toSorted((one, other) => one - other);
const at = (share: number): string =>
  (sorted[Math.floor((sorted.length - 1) * share)] ?? Number.NaN).toFixed(2);
console.log(
  `${CONVERSATIONS} conversations, ${sorted.length} of ${CONVERSATIONS * TURNS} turns, ` +
    `${(sorted.length / seconds).toFixed(0)} turns/s, ` +
    `${((cpu.user + cpu.system) / 1e6 / seconds).toFixed(2)} cores`,
);
console.log(`overhead beyond the model, ms: p50 ${at(0.5)}  p95 ${at(0.95)}  p99 ${at(0.99)}`);
