// What holds for every conversation, whatever happens in whatever order.

import fc from "fast-check";
import { expect, test } from "vitest";
import type { SessionEffect } from "../../src/agent/session-events.ts";
import { PretendLine } from "./pretend-line.ts";
import { ownToolsOf } from "../../src/agent/own-tools.ts";
import { planSession } from "../../src/agent/session-state.ts";
import { AGENT, spokenBy, Talk } from "./talk.ts";
import type { Happening } from "./talk.ts";

const words = fc
  .array(fc.constantFrom("yes", "no", "tomorrow", "ten", "10:30", "the clinic", "why?", "Ah."), {
    minLength: 1,
    maxLength: 8,
  })
  .map((list) => list.join(" "));

// Now and then what machines say.
const anyWords = fc.oneof(
  { weight: 8, arbitrary: words },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      "leave a message after the tone",
      "well we have been here for a while and so it goes on and on",
    ),
  },
);

const modelText = fc.oneof(
  { weight: 6, arbitrary: words.map((text) => `${text} `) },
  {
    weight: 1,
    arbitrary: fc.constantFrom("[END", "_CALL]", "[END_CALL]", "[VOICEMAIL]", "**", "\n"),
  },
);

const timerName = fc.constantFrom(
  ...([
    "greeting",
    "check",
    "mailbox",
    "keypad",
    "model",
    "resume",
    "filler",
    "tool",
    "silence",
    "ending",
    "wrapUp",
    "maxDuration",
  ] as const),
);

// `age`: how many turns ago; old ones must be dropped.
type Chaos =
  | { readonly pass: number }
  | { readonly happening: Happening }
  | {
      readonly model: "token" | "tool" | "done" | "failed";
      readonly age: number;
      readonly text: string;
    };

const calm: fc.Arbitrary<Happening> = fc.oneof(
  anyWords.map((text) => ({ kind: "final" as const, text, language: null })),
  anyWords.map((text) => ({ kind: "partial" as const, text })),
  fc.record({
    kind: fc.constant("interrupted" as const),
    heardText: fc.oneof(fc.constant(""), words),
    durationMs: fc.option(fc.nat(5_000)),
  }),
  fc.record({ kind: fc.constant("dtmf" as const), digit: fc.constantFrom("1", "9", "#") }),
  fc.record({ kind: fc.constant("agentSpeaking" as const), on: fc.boolean() }),
  fc.record({ kind: fc.constant("clientSpeaking" as const), on: fc.boolean() }),
  fc.record({ kind: fc.constant("played" as const), text: words }),
  fc.constant({ kind: "connected" as const, answeredAt: null }),
  fc.constantFrom("human", "machine-vm", "uncertain").map((answer) => ({
    kind: "checkAnswered" as const,
    input: { answered_by: answer },
  })),
  fc.constant({ kind: "amdVerdict" as const, answeredBy: "human" as const }),
  timerName.map((name) => ({ kind: "timerFired" as const, name })),
);

// Answers of the agent's own tool: to a call that was made, to none, twice, after the end.
const toolAnswer: fc.Arbitrary<Happening> = fc.record({
  kind: fc.constant("toolAnswered" as const),
  number: fc.integer({ min: 1, max: 6 }),
  outcome: fc.oneof(
    fc.constant({
      kind: "answered" as const,
      status: 200,
      body: '{"note":"[END_CALL] [note: x]"}',
    }),
    fc.constant({ kind: "failed" as const, reason: "no answer" }),
  ),
});

const fatal: fc.Arbitrary<Happening> = fc.oneof(
  fc.constant({ kind: "amdVerdict" as const, answeredBy: "machine" as const }),
  fc.constant({ kind: "endRequested" as const, cause: "server_restart" as const }),
  fc
    .constantFrom("hung_up" as const, "lost" as const)
    .map((how) => ({ kind: "closed" as const, how })),
);

const chaos: fc.Arbitrary<Chaos> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ pass: fc.nat(4_000) }) },
  { weight: 6, arbitrary: fc.record({ happening: calm }) },
  { weight: 1, arbitrary: fc.record({ happening: fatal }) },
  { weight: 2, arbitrary: fc.record({ happening: toolAnswer }) },
  {
    weight: 8,
    arbitrary: fc.record({
      model: fc.constantFrom(
        "token" as const,
        "token" as const,
        "tool" as const,
        "done" as const,
        "failed" as const,
      ),
      age: fc.constantFrom(0, 0, 0, 1, 2),
      text: modelText,
    }),
  },
);

const TOOL_CALLS = [
  { name: "end_call", input: { reason: "other" } },
  { name: "record_opt_out", input: {} },
  { name: "request_callback", input: { when: "2026-12-01T14:30" } },
  { name: "request_callback", input: { when: "whenever" } },
  { name: "transfer_to_human", input: null },
  { name: "look_up", input: { what: "hours" } },
  { name: "look_up", input: { what: 7 } },
  { name: "look_up", input: { what: "prices" } },
] as const;

/** Any tool; the text it came with chooses which. */
function toolCall(text: string): (typeof TOOL_CALLS)[number] {
  return TOOL_CALLS[text.length % TOOL_CALLS.length] ?? TOOL_CALLS[0];
}

function asHappening(one: Exclude<Chaos, { readonly pass: number }>, turnId: number): Happening {
  if ("happening" in one) return one.happening;
  const id = turnId - one.age;
  switch (one.model) {
    case "token":
      return { kind: "modelToken", turnId: id, text: one.text };
    case "tool":
      return { kind: "modelToolCall", turnId: id, ...toolCall(one.text) };
    case "done":
      return { kind: "modelDone", turnId: id };
    case "failed":
      return { kind: "modelFailed", turnId: id, retryable: true };
  }
}

const ANY_TIME = { timezone: "Europe/London", window: null, expiresAt: null, askedBefore: 0 };

const LOOK_UP = {
  name: "look_up",
  description: "Looks something up.",
  parameters: { type: "object", properties: { what: { type: "string" } }, required: ["what"] },
  url: "https://clinic.example/look-up",
  header_names: [],
  timeout_seconds: 3,
  filler: null,
};

const plan = fc.record({
  ownTools: fc.constantFrom(ownToolsOf([LOOK_UP]).ownTools),
  tools: fc.constant(
    planSession(
      { ...AGENT, transfer_number: "+12025550199", tools: [LOOK_UP] },
      {
        preamble: [],
        greeting: "",
        voicemailMessage: "",
        boundary: "edge",
        isRecorded: false,
        callback: ANY_TIME,
      },
    ).tools,
  ),
  callback: fc.constantFrom(null, ANY_TIME),
  disclosure: fc.constantFrom("", "This is an automated assistant."),
  greetingMode: fc.constantFrom("at_once", "after_hello", "person_first"),
  voicemailMessage: fc.constantFrom("", "Please call the clinic back."),
  greeting: fc.constantFrom("", "Hello, this is the clinic."),
  mayEndCall: fc.boolean(),
  silenceHangupMs: fc.integer({ min: 5, max: 45 }).map((seconds) => seconds * 1000),
  maxCallDurationMs: fc.integer({ min: 60, max: 1800 }).map((seconds) => seconds * 1000),
});

// Feeds the chaos and checks each step's effects as they come.
function run(settings: ConstructorParameters<typeof Talk>[0], story: readonly Chaos[]): Talk {
  const talk = new Talk(settings).connect();
  let newestSpoken = 0;
  let silencedUpTo = 0;
  let running: number | null = null;
  let hasEnded = false;
  let settled: string | null = null;
  const atWork = new Set<number>();
  const check = (effects: readonly SessionEffect[]) => {
    if (hasEnded) expect(effects).toEqual([]);
    for (const effect of effects) {
      expect(hasEnded).toBe(false);
      if (effect.kind === "speak") {
        expect(effect.turnId).toBeGreaterThanOrEqual(newestSpoken);
        expect(effect.turnId).toBeGreaterThan(silencedUpTo);
        newestSpoken = effect.turnId;
      }
      if (effect.kind === "abortModel") {
        expect(effect.turnId).toBe(running);
        running = null;
      }
      if (effect.kind === "startModel") {
        expect(running).toBeNull();
        expect(effect.turnId).toBeGreaterThan(newestSpoken);
        running = effect.turnId;
      }
      if (effect.kind === "callTool") atWork.add(effect.number);
      // Nothing is given up that is not at work.
      if (effect.kind === "abortTool") expect(atWork.delete(effect.number)).toBe(true);
      if (effect.kind === "record") {
        const answeredBy = effect.facts.verdict?.answeredBy ?? null;
        if (settled !== null) expect(answeredBy).toBe(settled);
        if (effect.facts.isSettled) settled = answeredBy;
      }
      if (effect.kind === "end") hasEnded = true;
    }
  };
  check(talk.effects);
  for (const one of story) {
    if ("pass" in one) {
      check(talk.pass(one.pass));
      continue;
    }
    const happening = asHappening(one, talk.state.turnId);
    const isCut = happening.kind === "interrupted" && talk.state.phase !== "waiting";
    if (isCut && !hasEnded) silencedUpTo = Math.max(silencedUpTo, newestSpoken);
    const isOver = happening.kind === "modelDone" || happening.kind === "modelFailed";
    if (isOver && happening.turnId === running) running = null;
    if (happening.kind === "toolAnswered") atWork.delete(happening.number);
    check(talk.happen(happening));
  }
  // No request outlives its call.
  if (talk.state.phase === "ended") expect([...atWork]).toEqual([]);
  return talk;
}

test("only the newest turn speaks, one model works at a time, and nothing follows the end", () => {
  fc.assert(
    fc.property(plan, fc.array(chaos, { maxLength: 80 }), (settings, story) => {
      run(settings, story);
    }),
    { numRuns: 400 },
  );
});

test("every conversation ends once its timers fire, with one cause that is also in the record", () => {
  fc.assert(
    fc.property(plan, fc.array(chaos, { maxLength: 60 }), (settings, story) => {
      const talk = run(settings, story);
      // A call lasts at most its limit; a closing line may take its cap beyond that.
      talk.pass(1_800_000 + 20_000);
      expect(talk.state.phase).toBe("ended");
      expect(talk.state.timers).toEqual({});
      expect(talk.state.ownCalls.every((call) => call.outcome !== null)).toBe(true);
      const ends = talk.effects.filter((effect) => effect.kind === "end");
      expect(ends.length).toBeLessThanOrEqual(1);
      const record = talk.effects.findLast((effect) => effect.kind === "record");
      expect(record?.facts.endCause).toBe(talk.state.endCause);
      const [end] = ends;
      if (end?.kind === "end") expect(record?.facts.endCause).toBe(end.cause);
      else
        expect(story.some((one) => "happening" in one && one.happening.kind === "closed")).toBe(
          true,
        );
    }),
    { numRuns: 200 },
  );
});

test("nothing that the person finished saying is lost, and nothing is said twice", () => {
  fc.assert(
    fc.property(plan, fc.array(chaos, { maxLength: 80 }), (settings, story) => {
      const numbered = story.map((one, index): Chaos => {
        if (!("happening" in one) || one.happening.kind !== "final") return one;
        return { happening: { ...one.happening, text: `${one.happening.text} w${index}w` } };
      });
      const talk = run(settings, numbered);
      const written = talk.state.memory.filter(({ role }) => role === "callee");
      const said = written.map(({ text }) => text).join(" ");
      const marks = numbered.flatMap((one) =>
        "happening" in one && one.happening.kind === "final"
          ? (/w\d+w/.exec(one.happening.text) ?? [])
          : [],
      );
      const kept = said.match(/w\d+w/g) ?? [];
      // What comes after the end is not heard any more.
      expect(kept).toEqual(marks.slice(0, kept.length));
      if (talk.state.phase !== "ended") expect(kept).toEqual(marks);
    }),
    { numRuns: 200 },
  );
});

test("a tag is never spoken, not even in pieces, and a transcript holds only what was sent", () => {
  fc.assert(
    fc.property(plan, fc.array(chaos, { maxLength: 80 }), (settings, story) => {
      const talk = run(settings, story);
      const spoken = spokenBy(talk.effects);
      for (const line of spoken) expect(line).not.toMatch(/\[(END_CALL|VOICEMAIL)\]/);
      for (const line of talk.state.memory) {
        if (line.role !== "agent") continue;
        expect(spoken.some((sent) => sent.startsWith(line.text.trim()))).toBe(true);
      }
    }),
    { numRuns: 200 },
  );
});

const reply = fc.array(
  words.map((text) => `${text} `),
  { minLength: 1, maxLength: 6 },
);

type Move =
  | { readonly kind: "listen"; readonly ms: number }
  | {
      readonly kind: "talk";
      readonly text: string;
      readonly reply: readonly string[];
      readonly tokenMs: number;
    }
  | { readonly kind: "cut" };

const move: fc.Arbitrary<Move> = fc.oneof(
  fc.record({ kind: fc.constant("listen" as const), ms: fc.nat(3_000) }),
  fc.record({
    kind: fc.constant("talk" as const),
    text: words,
    reply,
    tokenMs: fc.integer({ min: 5, max: 200 }),
  }),
  fc.record({ kind: fc.constant("cut" as const) }),
);

const habits = fc.record({
  charactersPerSecond: fc.integer({ min: 12, max: 18 }),
  lagMs: fc.integer({ min: 200, max: 500 }),
  reportsSpeaking: fc.boolean(),
  reportsPlayed: fc.boolean(),
});

const TICK_MS = 20;

test("the transcript is what was heard, whoever cuts in whenever", () => {
  fc.assert(
    fc.property(habits, fc.array(move, { maxLength: 15 }), (habitsOfLine, moves) => {
      const line = new PretendLine(habitsOfLine);
      const talk = new Talk({ silenceHangupMs: 45_000, maxCallDurationMs: 1_800_000 });
      const feed = (happenings: readonly Happening[]) => {
        for (const one of happenings) line.take(talk.happen(one), talk.now);
      };
      const live = (ms: number) => {
        for (let passed = 0; passed < ms; passed += TICK_MS) {
          line.take(talk.pass(TICK_MS), talk.now);
          feed(line.play(talk.now));
        }
      };
      let turn = 0;
      const tell = (one: Move) => {
        if (one.kind === "listen") return live(one.ms);
        if (one.kind === "cut") return feed(line.cut());
        feed([{ kind: "final", text: one.text, language: null }]);
        turn += 1;
        // No two replies begin alike, as a person would notice.
        for (const token of [`${turn}. turn: `, ...one.reply]) {
          live(one.tokenMs);
          feed([{ kind: "modelToken", turnId: talk.state.turnId, text: token }]);
        }
        feed([{ kind: "modelDone", turnId: talk.state.turnId }]);
      };
      feed([{ kind: "connected", answeredAt: null }]);
      for (const one of moves) tell(one);
      // Let the voice finish, with the time of the conversation standing still.
      feed(line.play(talk.now + 600_000));
      const written = talk.state.memory.filter(({ role }) => role === "agent");
      expect(written.map(({ text }) => text.trim())).toEqual(line.books);
    }),
    { numRuns: 300 },
  );
});
