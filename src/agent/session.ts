// The conversation on one call as a pure function: (state, event) -> (state, effects). No socket,
// timer, clock, dice or sound; time is what the events say. Whoever drives it does the effects in
// order and feeds back what happens. Under any order of events: only the newest turn speaks,
// nothing follows `end`, there is one end cause, and the transcript is what was heard. Source of
// the rules: voice.md §1 and §4.

import type { AgentSettings } from "../domain/agent-settings.ts";
import type { CallbackRules } from "../domain/callback-time.ts";
import type { Instant } from "../domain/instant.ts";
import type { Variables } from "../domain/variables.ts";
import { describeCall, factPlaceholders } from "./call-facts.ts";
import type { CallContext } from "./call-facts.ts";
import { prepareGreeting } from "./greeting.ts";
import { fillPlaceholders } from "./placeholders.ts";
import { isUntold } from "./own-tools.ts";
import { buildPreamble } from "./prompt.ts";
import { hearCarrier, hearPartial, mailboxDue } from "./session-answering.ts";
import type { SessionEffect, SessionEvent, TimerName } from "./session-events.ts";
import {
  closed,
  endingDue,
  endNow,
  playedInClosing,
  silenceDue,
  speechInClosing,
  voiceChangedInClosing,
} from "./session-ending.ts";
import {
  GREETING_WAIT_MS,
  MAX_CONNECT_MS,
  MAX_MESSAGE_ERROR_MS,
  MAX_SPEAKING_FLAG_MS,
  MIN_DURATION_WITH_WRAP_UP_MS,
  MIN_GREETING_WAIT_MS,
  planSession,
  RESUME_AFTER_MS,
  startSession,
  TOKEN_SETTLED_MS,
  WRAP_UP_AGAIN_MS,
  WRAP_UP_MS,
} from "./session-state.ts";
import type { Phase, SessionState } from "./session-state.ts";
import { dropUnheard, resumeDue, waitForWords } from "./session-resume.ts";
import { beginStep, recordFacts, setTimer, settleSilence } from "./session-step.ts";
import type { Step } from "./session-step.ts";
import {
  beginTalk,
  checkAnswered,
  keypadDue,
  keyPressed,
  modelBroke,
  modelCalledTool,
  modelFinished,
  modelLate,
  modelSaid,
  openConversation,
  personFinished,
  personInterrupted,
  startTurn,
} from "./session-turns.ts";
import { speakable } from "./speakable.ts";
import { hearLastWords } from "./session-tools.ts";
import { fillerDue, toolAnswered, toolLate } from "./session-tool-answers.ts";
import { notePlaybackOver, notePlayed, playbackEndsAt } from "./turn-memory.ts";

/** What a conversation is held with. */
export interface SessionOpening {
  readonly agent: AgentSettings;
  /** Extra instructions of the number that is called from; null: none. */
  readonly numberPrompt: string | null;
  /** Left on a mailbox, word for word; null leaves none. */
  readonly voicemailMessage: string | null;
  /** The carrier records the call: the person is told. */
  readonly isRecorded: boolean;
  /** What a call at another time is held against; null: nobody would make it. */
  readonly callback: CallbackRules | null;
  /** Why the call is made: the campaign's prompt, or this recipient's own. */
  readonly purpose: string;
  readonly variables: Variables;
  readonly context: CallContext;
  /** As prepared before the dial; null: it is prepared now. */
  readonly greeting: string | null;
  /** Random and secret to this call; closes blocks of data in what the model reads. */
  readonly boundary: string;
}

/**
 * A conversation that waits for its `connected` event. Date and time in its prompt are those of
 * `context.at`.
 * @throws RangeError for a time zone this runtime does not know
 */
export function openSession(opening: SessionOpening): SessionState {
  const { agent, variables, isRecorded, callback } = opening;
  const facts = describeCall(opening.context);
  const preamble = buildPreamble({ ...opening, facts });
  // A greeting prepared before the dial could not know the time of the call.
  const greeting =
    opening.greeting === null
      ? prepareGreeting(agent, variables, facts)
      : fillPlaceholders(opening.greeting, {}, factPlaceholders(facts));
  const voicemailMessage = fillPlaceholders(
    opening.voicemailMessage ?? "",
    variables,
    factPlaceholders(facts),
  ).trim();
  return startSession(
    planSession(agent, {
      preamble,
      greeting,
      voicemailMessage,
      isRecorded,
      callback,
      boundary: opening.boundary,
    }),
  );
}

export interface SessionStep {
  readonly state: SessionState;
  /** To be done in this order. */
  readonly effects: readonly SessionEffect[];
}

/**
 * What an event makes of a conversation. Pure; events that mean nothing in a state (a late token, a
 * timer that was cleared, anything after the end) change nothing.
 *
 * | event | idle | waiting | listening | thinking | speaking | closing |
 * |---|---|---|---|---|---|---|
 * | connected | at once: speak the greeting → listening (none: → thinking); else → waiting | | | | | |
 * | words that ask for no more calls | | confirm → closing, from every state but closing | | | | noted; over a mailbox's message → ended |
 * | words of a machine | | → mailbox when a message is to be left, else → ended; so from every state but closing | | | | |
 * | final, complete keypad entry | | a person: speak the greeting → listening, or → thinking; unclear: ask who it was | → thinking | joined to the same turn, asked again → thinking | break off → thinking | first time: → thinking; then only noted |
 * | interrupted | | | cut the memory | cut; asked again if that changed the history | cut, abort → listening | cut, listen a moment, then end |
 * | partial, clientSpeaking | | greeting waits on | silence waits on | | | end waits on, while it can be called off |
 * | dtmf | | collected until "#", a pause or the limit, in every state | | | | |
 * | agentSpeaking, played | | | silence clock, what was heard | | what was heard | the end comes when all was heard |
 * | checkAnswered, timer check | | as the answer says: a person or a machine | only a machine changes anything | | | |
 * | timer mailbox (state mailbox) | speak the message → closing | | | | | |
 * | modelToken | | | dropped | speak → speaking | speak | dropped |
 * | modelToolCall, tags | | | dropped | end_call, transfer, opt-out: close after the reply; callback: noted, asked again; voicemail: as words of a machine; an own tool: called, asked again when it has answered | the same | dropped |
 * | modelDone | | | | nothing said: as failed | → listening, or → closing; a tool at work: → acting | |
 * | toolAnswered, timer tool | | | asked again → thinking, unless the person speaks | asked again, now with the answer | told after the reply | only recorded |
 * | the same, and timer filler, in state acting | asked again → thinking when none is left; the filler is spoken and waited on | | | | | |
 * | final, complete keypad entry in state acting | → thinking at once; the tool goes on | | | | | |
 * | modelFailed, timer model | | | | once more; else fallback → listening; second in a row: apology → closing | fallback → listening | |
 * | timer greeting | | greeting → listening | | | | |
 * | timer resume | | | nobody spoke after a cut: the unheard rest once more; of a broken reply → thinking | | | |
 * | timer silence | | | ask once; then goodbye → closing | | | |
 * | timer wrapUp | | the next reply says goodbye; as soon as nobody speaks → thinking | | | | |
 * | timer ending | | | | | | → ended |
 * | timer maxDuration, amdVerdict fax, endRequested | → ended, at once, from every state | | | | | |
 * | closed | → ended without `end`, from every state | | | | | |
 *
 * Effects: speak, startModel, abortModel, callTool, abortTool, startCheck, abortCheck, setTimer,
 * clearTimer, record, end (session-events.ts).
 */
export function reduceSession(state: SessionState, event: SessionEvent): SessionStep {
  if (state.phase === "ended" || !isExpected(state, event)) return { state, effects: [] };
  const step = beginStep(state, event.at);
  // The compiler cannot see that a handler is looked up by its own event's kind.
  const handle = HANDLERS[event.kind] as (step: Step, event: SessionEvent) => void;
  handle(step, event);
  settleSilence(step);
  return { state: step.state, effects: step.effects };
}

type Handlers = {
  readonly [K in SessionEvent["kind"]]: (
    step: Step,
    event: Extract<SessionEvent, { readonly kind: K }>,
  ) => void;
};

const HANDLERS: Handlers = {
  connected: (step, { answeredAt }) => connected(step, answeredAt),
  partial: (step, { text }) => {
    const words = speakable(text);
    dropUnheard(step);
    // Reports of who speaks may be missing, and the next words are under way.
    personIsSpeaking(step, step.at + RESUME_AFTER_MS);
    step.state.unfinished = words === "" ? null : { words, at: step.at };
    hearPartial(step, words);
    hearLastWords(step, words);
  },
  final: (step, { text, language }) => personFinished(step, text, language),
  interrupted: (step, cut) => personInterrupted(step, cut),
  dtmf: (step, { digit }) => keyPressed(step, digit),
  agentSpeaking: (step, { on }) => voiceChanged(step, on),
  clientSpeaking: (step, { on }) => {
    if (on) personIsSpeaking(step, step.at + MAX_SPEAKING_FLAG_MS);
    else {
      step.state.personQuietAt = step.at;
      waitForWords(step);
    }
  },
  played: (step, { text }) => {
    step.state.memory = notePlayed(step.state.memory, text, step.at);
    if (step.state.phase === "closing") playedInClosing(step);
  },
  amdVerdict: (step, { answeredBy }) => {
    const who = hearCarrier(step, answeredBy);
    if (who !== "over") beginTalk(step, who);
  },
  checkAnswered: (step, { input }) => checkAnswered(step, input),
  closed: (step, { how }) => closed(step, how),
  endRequested: (step, { cause }) => endNow(step, cause),
  modelToken: (step, { turnId, text }) => modelSaid(step, turnId, text),
  modelToolCall: (step, { turnId, name, input }) => modelCalledTool(step, turnId, name, input),
  modelDone: (step, event) => modelFinished(step, event.turnId, event),
  modelFailed: (step, { turnId, retryable }) => modelBroke(step, turnId, retryable),
  toolAnswered: (step, { number, outcome }) => toolAnswered(step, number, outcome),
  timerFired: (step, { name }) => {
    const { [name]: _fired, ...waiting } = step.state.timers;
    step.state.timers = waiting;
    TIMERS[name](step);
  },
};

const TIMERS: Readonly<Record<TimerName, (step: Step) => void>> = {
  greeting: (step) => openConversation(step),
  check: (step) => checkAnswered(step, null),
  mailbox: mailboxDue,
  keypad: keypadDue,
  model: modelLate,
  resume: (step) => {
    if (resumeDue(step)) startTurn(step, { askedAt: null, isRetry: false });
  },
  filler: fillerDue,
  tool: toolLate,
  // What a tool answered while somebody seemed to speak comes before "are you still there".
  silence: (step) => {
    if (!step.state.ownCalls.some(isUntold)) return silenceDue(step);
    startTurn(step, { askedAt: null, isRetry: false });
  },
  ending: endingDue,
  wrapUp,
  maxDuration: (step) => endNow(step, "max_duration_reached"),
};

const BEFORE_CONNECTED: ReadonlySet<SessionEvent["kind"]> = new Set([
  "connected",
  "amdVerdict",
  "closed",
  "endRequested",
]);

function isExpected(state: SessionState, event: SessionEvent): boolean {
  if (state.phase === "idle") return BEFORE_CONNECTED.has(event.kind);
  if (event.kind !== "timerFired") return event.kind !== "connected";
  const dueAt = state.timers[event.name];
  return dueAt !== undefined && event.at >= dueAt;
}

function connected(step: Step, answered: Instant | null): void {
  const { state, at } = step;
  const { plan } = state;
  state.connectedAt = at;
  const isBelievable = answered !== null && answered <= at && at - answered <= MAX_CONNECT_MS;
  const answeredAt = isBelievable ? answered : at;
  state.watch = { ...state.watch, answeredAt };
  state.agentQuietAt = at;
  state.personQuietAt = at;
  setTimer(step, "maxDuration", at + plan.maxCallDurationMs);
  if (plan.maxCallDurationMs >= MIN_DURATION_WITH_WRAP_UP_MS) {
    setTimer(step, "wrapUp", at + plan.maxCallDurationMs - WRAP_UP_MS);
  }
  if (plan.greetingMode === "at_once") return openConversation(step);
  state.phase = "waiting";
  const waitedAt = Math.max(answeredAt + GREETING_WAIT_MS, at + MIN_GREETING_WAIT_MS);
  setTimer(step, "greeting", waitedAt);
}

function personIsSpeaking(step: Step, quietAt: Instant): void {
  const { state, at } = step;
  state.personQuietAt = Math.max(state.personQuietAt, quietAt);
  if (state.phase === "waiting" && state.watch.check !== "asked") {
    setTimer(step, "greeting", at + GREETING_WAIT_MS);
  }
  if (state.phase === "closing") speechInClosing(step);
}

function voiceChanged(step: Step, on: boolean): void {
  const { state, at } = step;
  if (on) noteFirstSound(step);
  const lastLineAt = state.memory.findLast((line) => line.role === "agent")?.at ?? 0;
  // "Off" is about the newest line only if the voice came on after that line was sent.
  const isNewestLine = state.agentSpeakingSince !== null && state.agentSpeakingSince >= lastLineAt;
  state.agentSpeakingSince = on ? at : null;
  if (isPauseOfMessage(state, at)) return;
  state.agentQuietAt = on ? at + MAX_SPEAKING_FLAG_MS : at;
  if (!on && isNewestLine) newestLineHeard(step);
  if (state.phase === "closing") voiceChangedInClosing(step, on, isNewestLine);
}

/** What was to be said is sent. */
const SAID_PHASES: ReadonlySet<Phase> = new Set(["listening", "acting", "closing"]);

function newestLineHeard(step: Step): void {
  const { state, at } = step;
  if (!SAID_PHASES.has(state.phase) || at - state.lastTokenAt < TOKEN_SETTLED_MS) return;
  state.memory = notePlaybackOver(state.memory, at);
  // Until the model's first turn is over nothing else would keep it.
  if (state.phase === "listening" && state.modelAskedAt === null) recordFacts(step);
}

function noteFirstSound(step: Step): void {
  const { state, at } = step;
  if (state.firstWordSounded || state.firstWordAt === null) return;
  state.firstWordAt = at;
  state.firstWordSounded = true;
}

// A long message on a mailbox pauses between its sentences.
function isPauseOfMessage({ closing, memory }: SessionState, at: Instant): boolean {
  const remainsMs = playbackEndsAt(memory) - at;
  return closing?.cause === "voicemail_detected" && remainsMs > MAX_MESSAGE_ERROR_MS;
}

// Until the model was told, by this or by the person's next words: see startTurn.
function wrapUp(step: Step): void {
  const { state, at } = step;
  state.wrappingUp = true;
  if (state.phase === "closing" || state.phase === "mailbox") return;
  const isQuiet = Math.max(state.agentQuietAt, state.personQuietAt) <= at;
  if (state.phase !== "listening" || !isQuiet) setTimer(step, "wrapUp", at + WRAP_UP_AGAIN_MS);
  else startTurn(step, { askedAt: null, isRetry: false });
}
