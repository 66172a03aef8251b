// Openings that the model writes while phones ring, for agents that want it. Nothing waits for one:
// when it is late, or fails, the welcome message that was stored before the dial is spoken.

import type { FastifyBaseLogger } from "fastify";

import { OPENING_LIMIT_MS, openingRequest, readOpeningReply } from "../agent/generated-greeting.ts";
import type { Clock } from "../ports/clock.ts";
import type { Database } from "../ports/database.ts";
import type { Model, ModelRequest } from "../ports/model.ts";
import type { Random } from "../ports/random.ts";
import { loadConversation, storeGreeting, wantsWrittenOpening } from "../store/conversations.ts";
import { openingOf } from "./voice-opening-parts.ts";

export interface VoiceOpeningsOptions {
  readonly database: Database;
  readonly model: Model;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: FastifyBaseLogger;
}

/**
 * Prepares the opening of a dial, if its agent has them written. Never throws; resolves when it is
 * stored or given up.
 */
export async function prepareOpening(
  options: VoiceOpeningsOptions,
  dial: { readonly callId: string; readonly dialNumber: number },
): Promise<void> {
  const { database, clock, log } = options;
  try {
    // Most agents have a welcome message, and every dial comes by here.
    if (!(await wantsWrittenOpening(database, dial.callId))) return;
    const conversation = await loadConversation(database, dial.callId, dial.dialNumber);
    if (conversation === null) return;
    const { context, ...parts } = openingOf(conversation, options.random);
    const request = openingRequest({ ...parts, context }, clock.now());
    const greeting = readOpeningReply(await replyOf(options, request));
    if (greeting !== null) await storeGreeting(database, dial.callId, dial.dialNumber, greeting);
  } catch (error) {
    log.warn({ ...dial, err: error }, "an opening could not be prepared");
  }
}

async function replyOf(options: VoiceOpeningsOptions, request: ModelRequest): Promise<string> {
  let text = "";
  for await (const chunk of options.model.reply(request, AbortSignal.timeout(OPENING_LIMIT_MS))) {
    if (chunk.kind === "text") text += chunk.text;
    if (chunk.kind === "done") return text;
    if (chunk.kind === "failed") {
      options.log.warn({ reason: chunk.message }, "the language model wrote no opening");
    }
  }
  // Half an opening is none.
  return "";
}
