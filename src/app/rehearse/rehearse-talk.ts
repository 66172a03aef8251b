// One talk of a rehearsal: prepared as the engine prepares a call, held with one of the people, and
// told as the engine would settle it.

import { describeCall, type CallContext } from "../../agent/call-facts.ts";
import {
  openingRequest,
  readOpeningReply,
  OPENING_LIMIT_MS,
} from "../../agent/generated-greeting.ts";
import { prepareGreeting } from "../../agent/greeting.ts";
import { openSession, type SessionOpening } from "../../agent/session.ts";
import type { SessionFacts } from "../../agent/session-events.ts";
import type { CallAnalysis } from "../../domain/call-analysis.ts";
import { decideEnding } from "../../domain/call-life.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Model } from "../../ports/model.ts";
import { openDice } from "../../simulator/dice.ts";
import { createPace } from "../../simulator/pace.ts";
import { createPerson } from "../../simulator/people/create-person.ts";
import { drawMailboxGreeting } from "../../simulator/people/mailbox-greetings.ts";
import type { Person, PersonParts } from "../../simulator/people/person.ts";
import type { ToolTalk } from "../tool-runner.ts";
import { realSimulatorClock } from "../real-simulator-clock.ts";
import { holdTalk } from "./hold-talk.ts";
import { notedModel, type ModelNotes, type NotedToolCall } from "./noted-model.ts";
import { PlayedPerson } from "./played-person.ts";
import type { RehearsedAgent } from "./rehearsed-agent.ts";
import type { RehearsedTools } from "./rehearsed-tools.ts";
import type { RehearsedPerson } from "./rehearsed-people.ts";

export interface RehearsedTalk {
  readonly person: RehearsedPerson;
  readonly transcript: SessionFacts["transcript"];
  /** In the order of the calls; `record_opt_out` also where the engine heard it itself. */
  readonly toolCalls: readonly NotedToolCall[];
  readonly endedReason: string;
  /** What would become of the recipient. */
  readonly outcome: string;
  readonly answeredBy: string;
  readonly turns: SessionFacts["turns"];
  readonly avgLatencyMs: number | null;
  readonly callbackAt: number | null;
  readonly modelFailures: readonly string[];
  /** null: not asked for, too little was said, or it failed. */
  readonly analysis: CallAnalysis | null;
}

export interface TalkParts {
  readonly agent: RehearsedAgent;
  readonly tools: Pick<RehearsedTools, "run">;
  /** The campaign's prompt. */
  readonly prompt: string;
  readonly model: Model;
  /** Plays the people that have a character. */
  readonly peopleModel: Model;
  readonly seed: number;
  readonly speed: number;
}

const FROM = "+12025550100";

export const rehearsalClock: Clock = {
  now: () => Date.now(),
  monotonicMs: () => performance.now(),
  state: () => ({ kind: "steady" }),
};

/** Holds one talk to its end. Never throws for what a model does. */
export async function rehearseTalk(
  person: RehearsedPerson,
  parts: TalkParts,
): Promise<Omit<RehearsedTalk, "analysis">> {
  const notes: ModelNotes = { toolCalls: [], failures: [] };
  const model = notedModel(parts.model, notes);
  const opening = await openingFor(person, parts, model);
  const pace = createPace(realSimulatorClock, parts.speed);
  try {
    const facts = await holdTalk({
      from: FROM,
      to: person.phone,
      settings: parts.agent.settings,
      opening,
      model,
      clock: rehearsalClock,
      dice: openDice(parts.seed, "rehearsal", person.phone),
      pace,
      person: (line) => personOn(line, person, parts),
      runTool: (call, signal) => parts.tools.run(talkWith(person), call, signal),
    });
    const offered = new Set(openSession(opening).plan.tools.map((tool) => tool.name));
    return talkOf(person, facts, { ...notes, toolCalls: toolCallsOf(facts, notes, offered) });
  } finally {
    pace.stop();
  }
}

function talkWith({ phone, variables }: RehearsedPerson): ToolTalk {
  const nobody = { callId: "rehearsal", agentId: "rehearsal", campaignId: null };
  return { ...nobody, fromNumber: FROM, toNumber: phone, variables };
}

function personOn(
  line: Omit<PersonParts, "dice">,
  { plays, phone }: RehearsedPerson,
  { seed, peopleModel }: TalkParts,
): Person {
  if (plays.kind === "model") {
    const dice = openDice(seed, "person", phone);
    return new PlayedPerson({ ...line, dice }, peopleModel, plays.character);
  }
  const isMailbox = plays.persona === "voicemail";
  const greeting = isMailbox ? drawMailboxGreeting(seed, { en: 1 }, phone) : null;
  return createPerson(seed, phone, plays.persona, line, greeting);
}

async function openingFor(
  person: RehearsedPerson,
  { agent, prompt, seed }: TalkParts,
  model: Model,
): Promise<SessionOpening> {
  const at = rehearsalClock.now();
  const { settings, timezone } = agent;
  const context: CallContext = {
    at,
    timezone,
    calleePhone: person.phone,
    businessPhone: FROM,
    attempt: 1,
    earlier: null,
  };
  const parts = {
    agent: settings,
    numberPrompt: null,
    voicemailMessage: settings.voicemail_leave_enabled ? settings.voicemail_message : null,
    isRecorded: settings.record_call,
    callback: { timezone, window: null, expiresAt: null, askedBefore: 0 },
    purpose: person.promptOverride ?? prompt,
    variables: person.variables,
    boundary: openDice(seed, "boundary", person.phone).hex(12),
    context,
  };
  // As wantsWrittenOpening of store/conversations.ts has it.
  const isWritten = settings.dynamic_greeting || (settings.welcome_message ?? "").trim() === "";
  const written = isWritten
    ? readOpeningReply(await replyText(model, openingRequest(parts, at)))
    : null;
  const greeting = written ?? prepareGreeting(settings, person.variables, describeCall(context));
  return { ...parts, greeting };
}

async function replyText(model: Model, request: Parameters<Model["reply"]>[0]): Promise<string> {
  let text = "";
  for await (const chunk of model.reply(request, AbortSignal.timeout(OPENING_LIMIT_MS))) {
    if (chunk.kind === "text") text += chunk.text;
    if (chunk.kind === "done") return text;
  }
  return "";
}

function talkOf(
  person: RehearsedPerson,
  facts: SessionFacts | null,
  notes: ModelNotes,
): Omit<RehearsedTalk, "analysis"> {
  const { transcript, turns, avgLatencyMs, callbackAt } = facts ?? NOTHING_HELD;
  const answeredBy = facts?.verdict?.answeredBy ?? null;
  const ending = decideEnding({
    status: "completed",
    dialNumber: 1,
    carrierCallId: null,
    answeredAt: null,
    answeredBy,
    carrierAnsweredBy: null,
    hasConversation: true,
    ringingAt: null,
    busyAt: null,
    endCause: facts?.endCause ?? null,
    endThen: null,
  });
  const isSettled = ending.kind === "settle";
  return {
    person,
    transcript,
    turns,
    avgLatencyMs,
    callbackAt,
    toolCalls: notes.toolCalls,
    endedReason: isSettled ? ending.endedReason : "failed",
    outcome: isSettled ? ending.state : "failed",
    answeredBy: answeredBy ?? "unknown",
    modelFailures: notes.failures,
  };
}

// What a model asks for does nothing when it was not offered, or when its arguments do not fit.
function toolCallsOf(
  facts: SessionFacts | null,
  { toolCalls }: ModelNotes,
  offered: ReadonlySet<string>,
): NotedToolCall[] {
  const refused = new Set(
    facts?.toolCalls.filter((call) => call.outcome === "refused").map((call) => call.name),
  );
  const made = new Set(
    facts?.toolCalls.filter((call) => call.outcome !== "refused").map((call) => call.name),
  );
  const done = toolCalls.filter(
    ({ name }) => offered.has(name) && (!refused.has(name) || made.has(name)),
  );
  const isOptOut = facts !== null && facts.optOut !== null;
  if (!isOptOut || done.some((call) => call.name === "record_opt_out")) return done;
  return [...done, { name: "record_opt_out", input: {} }];
}

/** The line was dead before the conversation said anything of itself. */
const NOTHING_HELD = { transcript: [], turns: [], avgLatencyMs: null, callbackAt: null } as const;
