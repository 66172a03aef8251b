// Writes what a conversation amounts to, newest snapshot last, however long the database takes.
// Snapshots replace each other, so only the newest waits; an older one can never land on top of it.
// Nothing here throws.

import type { FastifyBaseLogger } from "fastify";

import type { ConversationFacts } from "../store/conversations.ts";

/**
 * With the waits between them about ten minutes. Somebody may have asked never to be called again:
 * that outlasts every outage but a lost database.
 */
const MAX_TRIES = 125;
const FIRST_RETRY_MS = 200;
const MAX_RETRY_MS = 5_000;

export interface VoiceRecords {
  /** Takes the newest snapshot. */
  record(facts: ConversationFacts): void;
  /** Resolves when nothing waits any more: written, or given up and logged. */
  settled(): Promise<void>;
}

export function createVoiceRecords(
  write: (facts: ConversationFacts) => Promise<void>,
  log: FastifyBaseLogger,
): VoiceRecords {
  let waiting: ConversationFacts | null = null;
  let writing: Promise<void> | null = null;

  async function writeAll(): Promise<void> {
    let tries = 0;
    while (waiting !== null) {
      const facts = waiting;
      try {
        await write(facts);
        tries = 0;
        if (waiting === facts) waiting = null;
      } catch (error) {
        tries += 1;
        if (tries >= MAX_TRIES) {
          waiting = null;
          log.error({ err: error, tries }, "what was said on a call could not be stored");
          return;
        }
        if (tries === 1) {
          log.warn({ err: error }, "what was said on a call could not be stored yet");
        }
        await delay(Math.min(MAX_RETRY_MS, FIRST_RETRY_MS * 2 ** (tries - 1)));
      }
    }
  }

  return {
    record: (facts) => {
      waiting = facts;
      writing ??= writeAll().finally(() => {
        writing = null;
      });
    },
    settled: () => writing ?? Promise.resolve(),
  };
}

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
