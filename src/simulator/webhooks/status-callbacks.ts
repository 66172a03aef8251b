// Delivers status callbacks: each on its own, at its own moment, so that one that is slow never
// holds back the next. Faults may lose, double, delay or reorder them; without faults they leave in
// the order of the call's life.

import type { Account } from "../carrier-model/account.ts";
import type { Call } from "../carrier-model/call.ts";
import type { CallbackTarget, ProgressEvent } from "../carrier-model/create-call-request.ts";
import type { Faults } from "../control/faults.ts";
import type { Dice } from "../dice.ts";
import type { Pace } from "../pace.ts";
import { runAside } from "../run-aside.ts";
import type { SimulatorLog } from "../simulator-log.ts";
import { statusCallbackFields } from "./call-fields.ts";
import type { WebhookClient } from "./webhook-client.ts";

export interface CallbackSenderParts {
  readonly pace: Pace;
  readonly webhooks: WebhookClient;
  readonly dice: Dice;
  readonly log: SimulatorLog;
  readonly faults: () => Faults;
  readonly findAccount: (accountSid: string) => Account | null;
}

export interface CallbackSender {
  /** Sends the status callback of one event, if it was subscribed. */
  sendStatus(call: Call, event: ProgressEvent): void;
  /**
   * Sends any other callback about a call (voicemail verdict, recording), under the same faults.
   */
  send(call: Call, target: CallbackTarget, form: URLSearchParams): void;
}

/**
 * Longer than the carrier's longest gap between `initiated` and `ringing`, so that the next event
 * overtakes.
 */
const OVERTAKEN_MS = [650, 1_600] as const;

export function createCallbackSender(parts: CallbackSenderParts): CallbackSender {
  const { pace, dice } = parts;
  const sequence = new WeakMap<Call, number>();

  const send = (call: Call, target: CallbackTarget, form: URLSearchParams) => {
    const { lost, doubled, late, reordered } = parts.faults().callbacks;
    // Every fault is drawn each time, so that changing one probability leaves the others' dice
    // alone.
    const isLost = dice.chance(lost.probability);
    const copies = dice.chance(doubled.probability) ? 2 : 1;
    const lateMs = dice.chance(late.probability) ? dice.between(late.min_ms, late.max_ms) : 0;
    const heldMs = dice.chance(reordered.probability) ? dice.between(...OVERTAKEN_MS) : 0;
    if (isLost) return;
    for (let copy = 0; copy < copies; copy += 1) {
      const idempotencyToken = `${dice.hex(8)}-${dice.hex(4)}-${dice.hex(12)}`;
      pace.after(lateMs + heldMs, () => {
        const delivery = deliver(parts, call, target, form, idempotencyToken);
        runAside(delivery, parts.log, "callback");
      });
    }
  };

  return {
    send,
    sendStatus: (call, event) => {
      const request = call.request;
      if (request === null || request.statusCallback === null) return;
      if (!request.statusEvents.has(event)) return;
      const number = sequence.get(call) ?? 0;
      sequence.set(call, number + 1);
      send(call, request.statusCallback, statusCallbackFields(call, event, number, pace.now()));
    },
  };
}

async function deliver(
  parts: CallbackSenderParts,
  call: Call,
  target: CallbackTarget,
  form: URLSearchParams,
  idempotencyToken: string,
): Promise<void> {
  const authToken = parts.findAccount(call.accountSid)?.authToken;
  if (authToken === undefined) return;
  const outcome = await parts.webhooks.send({ authToken, target, form, idempotencyToken });
  if (outcome.kind === "failed") {
    parts.log.warn(
      { callSid: call.sid, url: target.url, reason: outcome.reason, message: outcome.message },
      "callback was not delivered",
    );
  } else if (outcome.status >= 400) {
    parts.log.warn(
      { callSid: call.sid, url: target.url, status: outcome.status },
      "callback was answered with an error",
    );
  }
}
