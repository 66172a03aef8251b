// What a conversation has to know between two events, and the limits it keeps. Values only: the
// rules are in session.ts and its neighbours. Only the memory grows while a call lasts, and the
// longest call bounds it.

import type { AgentSettings } from "../domain/agent-settings.ts";
import type { CallbackRules } from "../domain/callback-time.ts";
import type { EndCause } from "../domain/call-life.ts";
import type { Instant } from "../domain/instant.ts";
import type { ModelMessage, ModelTool } from "../ports/model.ts";
import { NO_WATCH } from "./answer-watch.ts";
import type { AnswerWatch } from "./answer-watch.ts";
import { disclosureLine, recordingLine } from "./disclosure.ts";
import { CALLBACK_TOOL, END_CALL_TOOL, OPT_OUT_TOOL, TRANSFER_TOOL } from "./call-tools.ts";
import { maxOutputTokensFor } from "./response-length.ts";
import { ownToolsOf } from "./own-tools.ts";
import type { OwnCall, OwnTool } from "./own-tools.ts";
import type { OptOut, TimerName } from "./session-events.ts";
import { FRESH_FILTER } from "./spoken-text.ts";
import type { SpokenFilter } from "./spoken-text.ts";
import type { TurnLog } from "./turn-metrics.ts";
import type { TurnMemory } from "./turn-memory.ts";

/** Where a conversation is. The table in session.ts says what leads from one to the other. */
export type Phase =
  /** Not connected yet. */
  | "idle"
  /** Connected; nothing is said before the person speaks, or is silent for a while. */
  | "waiting"
  /** A machine answered; its greeting has to end before the message is left. */
  | "mailbox"
  /** Nothing is being generated. What was sent may still be playing. */
  | "listening"
  /** The model was asked; nothing of its reply was sent. */
  | "thinking"
  /** The model is replying, part of it was sent. */
  | "speaking"
  /** A tool of the agent's own is at work; the model is asked again when it has answered. */
  | "acting"
  /** The last words were sent; the line is cut when they have been heard. */
  | "closing"
  | "ended";

export type GreetingMode =
  /** The opening is spoken as soon as the call is connected. */
  | "at_once"
  /** After the person's hello, or a short silence. */
  | "after_hello"
  /** The model answers the person's first words; the opening is for those who say nothing. */
  | "person_first";

/** How one conversation is to be held: settings as numbers and texts, fixed when it begins. */
export interface SessionPlan {
  /** Instructions and data, before anything that is said (see prompt.ts). */
  readonly preamble: readonly ModelMessage[];
  /** Spoken without a model. "" lets the model open the conversation. */
  readonly greeting: string;
  readonly greetingMode: GreetingMode;
  /** Said before anything else, by the engine and not the model; "" when nothing has to be. */
  readonly disclosure: string;
  /** `disclosure` says that we are automated, and not only that the call is recorded. */
  readonly saysAutomated: boolean;
  /** Left on a mailbox, word for word; "" leaves none. */
  readonly voicemailMessage: string;
  readonly language: string;
  readonly tools: readonly ModelTool[];
  /** Those of `tools` that are the agent's own. */
  readonly ownTools: readonly OwnTool[];
  /** Random and secret to this call; closes what a tool has answered. */
  readonly boundary: string;
  readonly mayEndCall: boolean;
  /** What a call at another time is held against; null: nobody would make it. */
  readonly callback: CallbackRules | null;
  readonly temperature: number;
  readonly maxOutputTokens: number;
  readonly fallbackMessage: string;
  readonly silenceHangupMs: number;
  readonly maxCallDurationMs: number;
}

/** The reply in the making. */
export interface CurrentTurn {
  readonly filter: SpokenFilter;
  /** Characters sent to the voice. */
  readonly spokenCharacters: number;
  /** This is the second try of the same reply. */
  readonly isRetry: boolean;
  /**
   * When the person had finished what this replies to; null when nobody asked (an opening, a
   * wrap-up).
   */
  readonly askedAt: Instant | null;
  /** The model wants to hang up when this has been heard. */
  readonly endAsked: boolean;
  readonly endsAs: Extract<EndCause, "completed" | "transferred">;
  /** A tool was answered: the model is asked again when this reply is complete. */
  readonly goesOn: boolean;
  /** How often it was asked again for that. */
  readonly toolRounds: number;
}

/** How far the disclosure is. */
export interface Disclosure {
  /** null: due, or cut off before it was heard. */
  readonly saidAt: Instant | null;
  /** The turn that it was part of. */
  readonly turnId: number;
  readonly tries: number;
}

/** Somebody who cuts it off twice has heard what it is about. */
export const MAX_DISCLOSURES = 2;

/** What a cut took away before it was heard. */
export interface Unheard {
  readonly rest: string;
  /** From the beginning of the line that was cut. */
  readonly whole: string;
  /** The model was still at work on it. */
  readonly wasUnfinished: boolean;
}

export interface Closing {
  readonly cause: EndCause;
  readonly startedAt: Instant;
  /** Speech over the closing line calls it off. Only the first time. */
  readonly isCancelable: boolean;
  /** However often the end is put off, it comes by then. */
  readonly latestAt: Instant;
}

export interface SessionState {
  readonly plan: SessionPlan;
  readonly phase: Phase;
  readonly connectedAt: Instant | null;
  readonly memory: TurnMemory;
  readonly watch: AnswerWatch;
  /** Since when a mailbox's greeting is waited out. */
  readonly mailboxSince: Instant | null;
  /** The newest turn of the agent. Whatever belongs to an older one is dropped. */
  readonly turnId: number;
  readonly turn: CurrentTurn;
  readonly closing: Closing | null;
  readonly endCause: EndCause | null;
  readonly timers: Readonly<Partial<Record<TimerName, Instant>>>;
  /** When our side was last audible; in the future while audio plays, by estimate. */
  readonly agentQuietAt: Instant;
  readonly personQuietAt: Instant;
  /**
   * Since when the speech path reports our voice as on; null while it is off or nothing was
   * reported.
   */
  readonly agentSpeakingSince: Instant | null;
  /** When the newest token was sent. */
  readonly lastTokenAt: Instant;
  /** The person was asked whether they are still there, and has said nothing since. */
  readonly reprompted: boolean;
  readonly unheard: Unheard | null;
  /** It was said once more, and the person has said nothing since. */
  readonly hasSaidAgain: boolean;
  readonly closingWasCanceled: boolean;
  readonly wrappingUp: boolean;
  readonly consecutiveFailures: number;
  readonly keypad: string;
  /** What the person is saying, as far as it has been recognised. */
  readonly unfinished: { readonly words: string; readonly at: Instant } | null;
  readonly lastLanguage: string | null;
  readonly modelAskedAt: Instant | null;
  readonly modelFirstTokenAt: Instant | null;
  readonly modelFailedAt: Instant | null;
  /** When our first word was sent, or sounded, if that was reported. */
  readonly firstWordAt: Instant | null;
  readonly firstWordSounded: boolean;
  readonly turns: TurnLog;
  readonly disclosure: Disclosure;
  /** Asked never to be called again, in these words. */
  readonly optOut: OptOut | null;
  readonly callbackAt: Instant | null;
  /** Of the agent's own tools, oldest first. */
  readonly ownCalls: readonly OwnCall[];
  readonly latencySumMs: number;
  readonly latencyTurns: number;
}

/**
 * A person who picks up and hears nothing hangs up; they never hear more than this of it (voice.md
 * §3).
 */
export const GREETING_WAIT_MS = 2_000;
/** The hello that belongs to the answer may be under way when we are connected a second later. */
export const MIN_GREETING_WAIT_MS = 1_000;
/** A connection takes no longer; an answer that lies further back is a clock that is wrong. */
export const MAX_CONNECT_MS = 10_000;

/** Keys of one entry follow each other faster than this. */
export const KEYPAD_PAUSE_MS = 2_000;
/** Longer than any account or card number. */
export const MAX_KEYPAD_DIGITS = 32;

/**
 * Longer than any model that can hold a conversation needs (slowest provider tails: a few seconds).
 */
export const MODEL_FIRST_TOKEN_MS = 6_000;
/**
 * Shorter than a listener's patience in mid-sentence; a healthy stream pauses for well under a
 * second.
 */
export const MODEL_NEXT_TOKEN_MS = 4_000;

/** A reply longer than about two minutes of speech is a model that ran away. */
export const MAX_TURN_CHARACTERS = 1_800;
/** One utterance as the model reads it; five minutes of uninterrupted speech. */
export const MAX_FINAL_CHARACTERS = 4_000;

/**
 * The end waits for playback this much longer than the estimate, and never longer in all than the
 * cap (voice.md §4).
 */
export const ENDING_MARGIN_MS = 1_500;
export const MAX_ENDING_MS = 12_000;
/**
 * A voice that goes quiet this much before a mailbox's message should be over has paused; rates of
 * speech differ by less over a minute.
 */
export const MAX_MESSAGE_ERROR_MS = 8_000;
/** After the voice went quiet: a pause between two clauses is shorter. */
export const ENDING_GRACE_MS = 300;
/**
 * A voice that went quiet sooner than this after the newest token may not have begun with it (lag:
 * 250–480 ms).
 */
export const TOKEN_SETTLED_MS = 1_000;
/** Somebody is speaking over the closing line: their words get this long to arrive. */
export const ENDING_LISTEN_MS = 3_000;
export const MAX_ENDING_WITH_SPEECH_MS = 20_000;

/**
 * Reports of who speaks may get lost: nobody is believed to speak for longer than this (voice.md
 * §1).
 */
export const MAX_SPEAKING_FLAG_MS = 30_000;

/**
 * Words that cut in are under way by then: as a partial, or as a voice that is on (voice.md §4 has
 * 700 ms; talking over somebody is worse than a moment more of silence).
 */
export const RESUME_AFTER_MS = 1_000;
/** A murmur is none of the last words of a line when at least this much of it is still to come. */
export const MURMUR_LEAD_MS = 2_000;

/** The model is told this long before the longest call is over. */
export const WRAP_UP_MS = 20_000;
/** Words that were not finished in so long never will be. */
export const UNFINISHED_MS = 5_000;
/** Somebody spoke just then: it is tried again so soon. */
export const WRAP_UP_AGAIN_MS = 500;
/** Below this a wrap-up would come as the conversation begins. */
export const MIN_DURATION_WITH_WRAP_UP_MS = 40_000;

/** Dead air that a person notices; a quick tool answers sooner. */
export const FILLER_AFTER_MS = 1_200;
/** Whoever runs a tool keeps its time limit; this is for an answer that never comes. */
export const TOOL_SLACK_MS = 1_000;
/** Of the agent's own tools, by one reply. */
export const MAX_TOOL_CALLS_PER_REPLY = 3;
/** By one call: a model that does nothing else is stopped. */
export const MAX_TOOL_CALLS = 20;
/** The model is asked again so often, for what its tools answered, before the person speaks. */
export const MAX_TOOL_ROUNDS = 3;

/**
 * A `[VOICEMAIL]` tag later than this is a mistake: no greeting of a machine is that long (voice.md
 * §4).
 */
export const VOICEMAIL_TAG_MS = 180_000;

/**
 * How long both sides may be silent before the person is asked whether they are still there: a
 * third to a half.
 */
export function repromptAfterMs(silenceHangupMs: number): number {
  return Math.min(silenceHangupMs / 2, Math.max(10_000, silenceHangupMs / 3));
}

const FRESH_TURN: CurrentTurn = {
  filter: FRESH_FILTER,
  spokenCharacters: 0,
  isRetry: false,
  askedAt: null,
  endAsked: false,
  endsAs: "completed",
  goesOn: false,
  toolRounds: 0,
};

export function freshTurn(
  facts: Pick<CurrentTurn, "isRetry" | "askedAt"> & { readonly toolRounds?: number },
): CurrentTurn {
  return { ...FRESH_TURN, ...facts };
}

// Nobody is exempt from saying that a call is recorded.
function disclosureOf(agent: AgentSettings, isRecorded: boolean): string {
  const { language, business_name, disclosure_enabled } = agent;
  if (disclosure_enabled) return disclosureLine(language, business_name, isRecorded);
  return isRecorded ? recordingLine(language) : "";
}

/** How a conversation with this agent is held. */
export function planSession(
  agent: AgentSettings,
  opening: Pick<SessionPlan, "preamble" | "greeting" | "voicemailMessage" | "boundary"> & {
    readonly isRecorded: boolean;
    readonly callback: CallbackRules | null;
  },
): SessionPlan {
  const { isRecorded, ...said } = opening;
  const { ownTools, offered } = ownToolsOf(agent.tools ?? []);
  return {
    ...said,
    disclosure: disclosureOf(agent, isRecorded),
    saysAutomated: agent.disclosure_enabled,
    greetingMode: agent.ai_speaks_first ? agent.greeting_mode : "person_first",
    language: agent.language,
    tools: [
      ...(agent.func_end_call ? [END_CALL_TOOL] : []),
      OPT_OUT_TOOL,
      ...(opening.callback === null ? [] : [CALLBACK_TOOL]),
      ...((agent.transfer_number ?? "") === "" ? [] : [TRANSFER_TOOL]),
      ...offered,
    ],
    ownTools,
    mayEndCall: agent.func_end_call,
    temperature: agent.temperature,
    maxOutputTokens: maxOutputTokensFor(agent.response_length),
    fallbackMessage: agent.fallback_message,
    silenceHangupMs: agent.silence_hangup_seconds * 1000,
    maxCallDurationMs: agent.max_call_duration_seconds * 1000,
  };
}

/** A conversation that waits to be connected. */
export function startSession(plan: SessionPlan): SessionState {
  return {
    plan,
    phase: "idle",
    connectedAt: null,
    memory: [],
    watch: NO_WATCH,
    mailboxSince: null,
    turnId: 0,
    turn: FRESH_TURN,
    closing: null,
    endCause: null,
    timers: {},
    agentQuietAt: 0,
    personQuietAt: 0,
    agentSpeakingSince: null,
    lastTokenAt: 0,
    reprompted: false,
    unheard: null,
    hasSaidAgain: false,
    closingWasCanceled: false,
    wrappingUp: false,
    consecutiveFailures: 0,
    keypad: "",
    unfinished: null,
    lastLanguage: null,
    modelAskedAt: null,
    modelFirstTokenAt: null,
    modelFailedAt: null,
    firstWordAt: null,
    firstWordSounded: false,
    turns: [],
    disclosure: { saidAt: null, turnId: 0, tries: 0 },
    optOut: null,
    callbackAt: null,
    ownCalls: [],
    latencySumMs: 0,
    latencyTurns: 0,
  };
}
