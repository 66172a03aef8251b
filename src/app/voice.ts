// The carrier's side of this process: callbacks, voice sockets and the conversations behind them.

import type { Server } from "node:http";
import type { FastifyPluginAsync } from "fastify";
import type { Logger } from "pino";
import { stockLinesFor } from "../agent/stock-lines.ts";
import type { CarrierEvent } from "../domain/carrier-event.ts";
import { createCallbackGatherer } from "../http/callback-gatherer.ts";
import { carrierWebhooks, type CallbackTokens } from "../http/carrier-webhooks.ts";
import { attachRelaySockets } from "../http/relay-socket.ts";
import { createSignatureScreen, type ScreenSignature } from "../http/signature-screen.ts";
import { createVoiceSessions } from "../http/voice-sessions.ts";
import type { Clock } from "../ports/clock.ts";
import type { Database } from "../ports/database.ts";
import type { Model } from "../ports/model.ts";
import type { Outbound } from "../ports/outbound.ts";
import { findCallbackCredentials } from "../store/callback-credentials.ts";
import { listSigningTokens } from "../store/carrier-credentials.ts";
import { recordConnectionLost } from "../store/conversations.ts";
import { recordRecording } from "../store/recordings.ts";
import { findTransfer, recordTransferEnd } from "../store/transfers.ts";
import type { Config } from "./config.ts";
import type { VoiceCounts } from "./process-reports.ts";
import type { SecretBox } from "./secret-box.ts";
import { systemRandom } from "./system-random.ts";
import { createToolRunner } from "./tool-runner.ts";

export interface Voice extends VoiceCounts {
  /** Routes of the carrier's callbacks. */
  readonly webhooks: FastifyPluginAsync;
  /** Takes the server's voice sockets; answers a function that lets go of them. */
  attach(server: Server): () => void;
  drain(deadlineMs: number): Promise<void>;
}

interface VoiceParts {
  readonly config: Config;
  readonly database: Database;
  readonly model: Model;
  readonly clock: Clock;
  readonly owner: string;
  readonly log: Logger;
  readonly publicUrl: string;
  readonly secretBox: SecretBox;
  readonly outbound: Outbound;
  apply(events: readonly CarrierEvent[]): Promise<void>;
}

export function createVoice(parts: VoiceParts): Voice {
  const { database, clock, log, publicUrl, secretBox, outbound } = parts;
  const gatherer = createCallbackGatherer((events) => parts.apply(events));

  const tokensOfCall = async (callId: string): Promise<CallbackTokens | null> => {
    const found = await findCallbackCredentials(database, callId, clock.now());
    if (found === null) return null;
    const boxes = [
      found.authTokenEncrypted,
      ...(found.previousTokenEncrypted === null ? [] : [found.previousTokenEncrypted]),
    ];
    return {
      carrierAccountId: found.carrierAccountId,
      tokens: boxes.map((box) => secretBox.decrypt(box)),
    };
  };

  const screen = screenOf(parts);

  const sessions = createVoiceSessions({
    database,
    model: parts.model,
    clock,
    random: systemRandom,
    owner: parts.owner,
    maxSessions: parts.config.require("CARILLON_MAX_VOICE_SESSIONS"),
    log,
    runTool: createToolRunner({ clock, random: systemRandom, database, outbound, secretBox }),
    apply: async (events) => {
      await Promise.all(events.map((event) => gatherer.add(event)));
    },
  });

  return {
    get maxSessions() {
      return sessions.maxSessions;
    },
    count: () => sessions.count(),
    callIds: () => sessions.callIds(),
    drain: (deadlineMs) => sessions.drain(deadlineMs),
    webhooks: carrierWebhooks({
      publicUrl,
      clock,
      screen,
      tokensOfCall,
      addEvent: (event) => gatherer.add(event),
      recordConnectEnd: async (dial, facts) => {
        if (facts["sessionStatus"] === "failed") await recordConnectionLost(database, dial.callId);
        log.info({ ...dial, ...facts }, "the carrier ended a conversation's connection");
        // Only a conversation that ended in good order hands over.
        if (facts["sessionStatus"] !== "ended") return null;
        return findTransfer(database, dial.callId, dial.dialNumber);
      },
      recordTransferEnd: async (dial, { status, isUnanswered }) => {
        log.info({ ...dial, status }, "a transfer is over");
        const end = { status, at: clock.now() };
        const language = await recordTransferEnd(database, dial.callId, dial.dialNumber, end);
        if (!isUnanswered || language === null) return null;
        return { language, text: stockLinesFor(language).nobodyThere };
      },
      recordRecording: (dial, news) => recordRecording(database, dial.callId, news, clock.now()),
    }),
    attach: (server) =>
      attachRelaySockets(server, { publicUrl, sessions, log, screen, tokensOfCall }),
  };
}

function screenOf({ clock, database, secretBox }: VoiceParts): ScreenSignature {
  return createSignatureScreen({
    listTokens: async (limit) =>
      allInClear(secretBox, await listSigningTokens(database, clock.now(), limit)),
    monotonicMs: () => clock.monotonicMs(),
  });
}

// null: one cannot be read. Told wherever its account is used, and no other account's trouble.
function allInClear(secretBox: SecretBox, boxes: readonly Uint8Array[]): readonly string[] | null {
  try {
    return boxes.map((box) => secretBox.decrypt(box));
  } catch {
    return null;
  }
}
