// The conversations of this process: one for each open socket, up to a limit. Knows which calls
// talk here, brings them the news that other processes wrote, and can let them finish or end them.

import type { FastifyBaseLogger } from "fastify";

import { openSession } from "../agent/session.ts";
import type { SessionState } from "../agent/session-state.ts";
import type { RelaySetupFrame } from "../carrier/twilio/relay-frames.ts";
import { newRowId } from "../domain/ids.ts";
import type { CarrierEvent } from "../domain/carrier-event.ts";
import type { EndCause } from "../domain/call-life.ts";
import type { Instant } from "../domain/instant.ts";
import type { Clock } from "../ports/clock.ts";
import type { Database } from "../ports/database.ts";
import type { Model } from "../ports/model.ts";
import type { Random } from "../ports/random.ts";
import {
  loadConversation,
  recordConversationFacts,
  type Conversation,
  type ConversationFacts,
  type VoicePlace,
} from "../store/conversations.ts";
import { suppressPhone } from "../store/suppressions.ts";
import { createVoiceNews } from "./voice-news.ts";
import { openingOf } from "./voice-opening-parts.ts";
import { createVoiceRecords } from "./voice-records.ts";
import { createVoiceSession, type SocketSide, type VoiceSession } from "./voice-session.ts";
import type { RunTool } from "./voice-tools.ts";

/**
 * A person hears nothing while the conversation is loaded, so a database that stumbles gets two
 * more chances, no more.
 */
const MAX_LOAD_TRIES = 3;
const LOAD_RETRY_MS = 300;
const DRAIN_POLL_MS = 50;

export interface VoiceSessionsOptions {
  readonly database: Database;
  readonly model: Model;
  readonly clock: Clock;
  readonly random: Random;
  /** Names this process on the calls that talk here. */
  readonly owner: string;
  readonly maxSessions: number;
  readonly log: FastifyBaseLogger;
  readonly runTool: RunTool;
  /** Resolves when the events are committed. */
  apply(events: readonly CarrierEvent[]): Promise<void>;
}

/** The dial that a socket's address names, and what the carrier said first. */
export interface VoiceOpening {
  readonly callId: string;
  readonly dialNumber: number;
  readonly setup: RelaySetupFrame;
}

export type VoiceOpened =
  | { readonly kind: "opened"; readonly session: VoiceSession }
  | { readonly kind: "refused"; readonly reason: string };

export interface VoiceSessions {
  /** 0 while draining: nobody else may count on this process. */
  readonly maxSessions: number;
  /** Room for one more, and not draining. */
  hasRoom(): boolean;
  count(): number;
  callIds(): readonly string[];
  /**
   * Opens and connects the conversation that a `setup` frame names.
   * @throws as the database does, when it stays away
   */
  open(opening: VoiceOpening, socket: SocketSide): Promise<VoiceOpened>;
  /** Ends every conversation at once. Resolves when their last facts are written, or given up. */
  endAll(cause: EndCause): Promise<void>;
  /** Takes no more, waits until every conversation is over, at most so long; then ends the rest. */
  drain(deadlineMs: number): Promise<void>;
}

export function createVoiceSessions(options: VoiceSessionsOptions): VoiceSessions {
  const sessions = new Map<string, VoiceSession>();
  // Conversations that are over, whose last facts are on their way to disk.
  const settling = new Set<Promise<void>>();
  const news = createVoiceNews({ database: options.database, log: options.log, sessions });
  let isDraining = false;

  async function open(opening: VoiceOpening, socket: SocketSide): Promise<VoiceOpened> {
    const { callId, setup } = opening;
    const loaded = await loadOpen(options, opening);
    const reason = refusalOf(loaded, setup) ?? roomFault(callId);
    if (reason !== null || loaded === null) return { kind: "refused", reason: reason ?? "" };
    const log = options.log.child({ callId, relaySessionId: setup.sessionId });
    const place = { process: options.owner, sessionId: setup.sessionId };
    const records = createVoiceRecords((facts) => recordFacts(options, loaded, facts, place), log);
    const session = createVoiceSession({
      start: sessionOf(loaded, options),
      clock: options.clock,
      model: options.model,
      socket,
      records,
      log,
      runTool: (call, signal) =>
        options.runTool(loaded, { ...call, sessionId: setup.sessionId }, signal),
      ended: () => {
        sessions.delete(callId);
        const settled = records.settled().finally(() => settling.delete(settled));
        settling.add(settled);
      },
    });
    sessions.set(callId, session);
    news.watch();
    records.record(NOTHING_YET);
    session.happen({ kind: "connected", answeredAt: loaded.answeredAt });
    if (loaded.carrierAnsweredBy !== null) {
      session.happen({ kind: "amdVerdict", answeredBy: loaded.carrierAnsweredBy });
    }
    // The greeting does not wait for this commit; the carrier's callbacks say the same.
    if (loaded.open) {
      options.apply([answeredEvent(opening, options.clock.now())]).catch((error: unknown) => {
        log.warn({ err: error }, "an answered call could not be reported");
      });
    }
    return { kind: "opened", session };
  }

  function roomFault(callId: string): string | null {
    if (sessions.has(callId)) return "the call already has a conversation here";
    return sessions.size >= options.maxSessions ? "this process holds no more conversations" : null;
  }

  async function endAll(cause: EndCause): Promise<void> {
    for (const session of sessions.values()) session.end(cause);
    await Promise.all(settling);
  }

  return {
    get maxSessions() {
      return isDraining ? 0 : options.maxSessions;
    },
    hasRoom: () => !isDraining && sessions.size < options.maxSessions,
    count: () => sessions.size,
    callIds: () => [...sessions.keys()],
    open,
    endAll,
    drain: async (deadlineMs) => {
      isDraining = true;
      const deadline = options.clock.monotonicMs() + deadlineMs;
      while (sessions.size > 0 && options.clock.monotonicMs() < deadline)
        await delay(DRAIN_POLL_MS);
      await endAll("server_restart");
    },
  };
}

// Says where the conversation is held, before there is anything to keep.
const NOTHING_YET = {
  transcript: [],
  endCause: null,
  modelAskedAt: null,
  modelFirstTokenAt: null,
  modelFailedAt: null,
  avgLatencyMs: null,
  verdict: null,
  evidence: [],
  answerToFirstWordMs: null,
  turns: [],
  disclosedAt: null,
  optOut: null,
  callbackAt: null,
  toolCalls: [],
} as const;

/** The conversation of a call that is open, or that this very socket proves to be alive. */
async function loadOpen(
  options: VoiceSessionsOptions,
  opening: VoiceOpening,
): Promise<Conversation | null> {
  const loaded = await loadPatiently(options, opening);
  if (
    loaded === null ||
    loaded.open ||
    refusalOf({ ...loaded, open: true }, opening.setup) !== null
  ) {
    return loaded;
  }
  await options.apply([answeredEvent(opening, options.clock.now())]);
  return loadPatiently(options, opening);
}

async function loadPatiently(
  options: VoiceSessionsOptions,
  { callId, dialNumber }: VoiceOpening,
): Promise<Conversation | null> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await loadConversation(options.database, callId, dialNumber);
    } catch (error) {
      if (tries >= MAX_LOAD_TRIES) throw error;
      await delay(LOAD_RETRY_MS);
    }
  }
}

function answeredEvent({ callId, dialNumber, setup }: VoiceOpening, at: Instant): CarrierEvent {
  return {
    kind: "status",
    callId,
    dialNumber,
    carrierCallId: setup.callSid,
    at,
    source: "callback",
    status: "in_progress",
    durationSeconds: null,
    sipResponseCode: null,
  };
}

function refusalOf(conversation: Conversation | null, setup: RelaySetupFrame): string | null {
  if (conversation === null) return "there is no such dial";
  if (conversation.carrierAccountId !== setup.accountSid) return "the setup names another account";
  const { carrierCallId } = conversation;
  if (carrierCallId !== null && carrierCallId !== setup.callSid)
    return "the setup names another call";
  return conversation.open ? null : "the call is over";
}

function sessionOf(conversation: Conversation, options: VoiceSessionsOptions): SessionState {
  const { context, ...opening } = openingOf(conversation, options.random);
  return openSession({ ...opening, context: { ...context, at: options.clock.now() } });
}

/** Whoever asked not to be called again is on the list before anything else is written. */
async function recordFacts(
  { database, random }: VoiceSessionsOptions,
  { callId, keyId, toNumber }: Conversation,
  facts: ConversationFacts,
  place: VoicePlace,
): Promise<void> {
  const { optOut } = facts;
  if (optOut !== null) {
    await database.transaction((tx) =>
      suppressPhone(tx, {
        id: newRowId("sup", random),
        keyId,
        phone: toNumber,
        // Their words stay with the call, and are erased with it.
        reason: `asked on call ${callId}`,
        source: "call",
        now: optOut.at,
      }),
    );
  }
  await recordConversationFacts(database, callId, facts, place);
}

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
