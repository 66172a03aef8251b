// Brings conversations what other processes learned about their calls: the carrier's verdict on who
// answered, that somebody wants it over, that the carrier says it is over. Read from the database a
// few times a second, while anybody talks; nothing here throws.

import type { FastifyBaseLogger } from "fastify";

import type { Database } from "../ports/database.ts";
import { listCallNews, type CallNews } from "../store/conversations.ts";
import type { VoiceSession } from "./voice-session.ts";

/** How late a verdict may be heard of (DESIGN §3). */
const POLL_MS = 250;

export interface VoiceNews {
  /** There is a conversation: look until there is none. Idempotent. */
  watch(): void;
}

export function createVoiceNews(parts: {
  readonly database: Database;
  readonly log: FastifyBaseLogger;
  /** The living conversations by call id. */
  readonly sessions: ReadonlyMap<string, VoiceSession>;
}): VoiceNews {
  const { database, log, sessions } = parts;
  let timer: NodeJS.Timeout | null = null;
  let isAway = false;

  async function look(): Promise<void> {
    try {
      for (const one of await listCallNews(database, [...sessions.keys()])) {
        const session = sessions.get(one.callId);
        if (session !== undefined) tell(session, one);
      }
      isAway = false;
    } catch (error) {
      if (!isAway) log.warn({ err: error }, "news of the calls in progress could not be read");
      isAway = true;
    }
  }

  function watch(): void {
    timer ??= setTimeout(() => {
      look().then(again, again);
    }, POLL_MS);
  }

  // One look at a time: the next is planned when this one is done.
  function again(): void {
    timer = null;
    if (sessions.size > 0) watch();
  }

  return { watch };
}

function tell(session: VoiceSession, news: CallNews): void {
  const { carrierAnsweredBy, endCause } = news;
  // Told again at every look; a conversation takes it once.
  if (carrierAnsweredBy !== null) {
    session.happen({ kind: "amdVerdict", answeredBy: carrierAnsweredBy });
  }
  if (news.isEndRequested) session.end(endCause ?? "canceled");
  else if (!news.open) session.happen({ kind: "closed", how: "hung_up" });
}
