// Asks Twilio for one call. Creating a call is not idempotent and has no key (twilio.md §2.4): so
// exactly one request, written inside its window or not at all, and every answer that leaves a
// doubt is `unknown`.

import type {
  CarrierCredentials,
  DialOrder,
  DialSlotOfTime,
  PlaceOutcome,
  RefusalClass,
} from "../../ports/carrier.ts";
import type { Clock } from "../../ports/clock.ts";
import { callbackAddresses } from "./callback-addresses.ts";
import type { WriteWindow } from "./http-exchange.ts";
import { classifyAnswer } from "./refusal-class.ts";
import { formatFailure, readRequestFailure } from "./request-failure.ts";
import type { TwilioClient, TwilioTransport } from "./twilio-http-client.ts";
import { formatConversationTwiml } from "./twiml.ts";

type CreateParameters = Parameters<TwilioClient["calls"]["create"]>[0];

/** What Twilio accepts as Timeout (twilio.md §1.1). */
const MAX_RING_SECONDS = 600;
/** What Twilio accepts as TimeLimit. */
const MIN_CALL_SECONDS = 60;
const MAX_CALL_SECONDS = 86_400;

export interface PlaceCallDeps {
  readonly transport: TwilioTransport;
  readonly publicUrl: string;
  readonly clock: Clock;
  /** Told how long after its instant a request went out. */
  readonly onWritten?: (lateMs: number) => void;
}

/** See Carrier.place. */
export async function placeCall(
  deps: PlaceCallDeps,
  credentials: CarrierCredentials,
  order: DialOrder,
  slot: DialSlotOfTime,
): Promise<PlaceOutcome> {
  let client: TwilioClient;
  let parameters: CreateParameters;
  try {
    client = deps.transport.clientFor(credentials, writeWindow(deps, slot));
    parameters = createParameters(deps.publicUrl, order);
  } catch (error) {
    // Nothing was sent, and dialing again would fail in the same way.
    return refused("configuration", null, `The call could not be described: ${String(error)}`);
  }
  try {
    const { body: call } = await client.calls.createWithHttpInfo(parameters);
    if (typeof call.sid !== "string" || call.sid === "") {
      return { kind: "unknown", reason: "Twilio answered success without naming the call" };
    }
    return { kind: "placed", carrierCallId: call.sid, queueTimeMs: readQueueTime(call.queueTime) };
  } catch (error) {
    const failure = readRequestFailure(error);
    switch (failure.kind) {
      case "unsent":
        return refused("unsent", null, failure.message);
      case "lost":
        return { kind: "unknown", reason: failure.message };
      case "answered": {
        const answerClass = classifyAnswer(failure.status, failure.code);
        if (answerClass === "unknown") return { kind: "unknown", reason: formatFailure(failure) };
        return refused(answerClass, failure.code, formatFailure(failure));
      }
    }
  }
}

function refused(
  refusalClass: RefusalClass,
  carrierCode: number | null,
  message: string,
): PlaceOutcome {
  return { kind: "refused", refusal: { class: refusalClass, carrierCode, message } };
}

// From the installation's clock to this process's monotonic one, which no correction can move under
// a waiting request.
function writeWindow({ clock, onWritten }: PlaceCallDeps, slot: DialSlotOfTime): WriteWindow {
  const offsetMs = clock.monotonicMs() - clock.now();
  const notBeforeMs = slot.notBeforeAt + offsetMs;
  return {
    notBeforeMs,
    onWritten: (atMs) => onWritten?.(atMs - notBeforeMs),
    notAfterMs: slot.notAfterAt + offsetMs,
    isClockSteady: () => clock.state().kind === "steady",
  };
}

function createParameters(publicUrl: string, order: DialOrder): CreateParameters {
  const addresses = callbackAddresses(publicUrl, order);
  return {
    to: order.to,
    from: order.from,
    twiml: formatConversationTwiml(order, addresses, order),
    statusCallback: addresses.status,
    statusCallbackMethod: "POST",
    // Four fields: with none named, only `completed` would be sent.
    statusCallbackEvent: ["initiated", "ringing", "answered", "completed"],
    timeout: clamp(order.ringTimeoutSeconds, 1, MAX_RING_SECONDS),
    timeLimit: clamp(order.maxCallDurationSeconds, MIN_CALL_SECONDS, MAX_CALL_SECONDS),
    // Asynchronous: a person must not wait in silence for the verdict.
    ...(order.detectMachine
      ? {
          machineDetection: "Enable",
          asyncAmd: "true",
          asyncAmdStatusCallback: addresses.amd,
          asyncAmdStatusCallbackMethod: "POST",
        }
      : {}),
  };
}

function clamp(seconds: number, minSeconds: number, maxSeconds: number): number {
  return Math.round(Math.min(Math.max(seconds, minSeconds), maxSeconds));
}

// A string of milliseconds, or nothing.
function readQueueTime(queueTime: unknown): number {
  const ms = Number(queueTime ?? 0);
  return Number.isFinite(ms) && ms > 0 ? ms : 0;
}
