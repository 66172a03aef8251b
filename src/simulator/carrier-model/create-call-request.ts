// The body of a create-call request, checked for shape as the carrier checks it. Who may call whom
// is checked later (call-permission.ts). Unknown fields are ignored, as the carrier does.

import { restError } from "./rest-error.ts";
import type { RestError } from "./rest-error.ts";
import { readMethod, readWholeNumber, readUrl } from "./form-field.ts";
import type { HttpMethod } from "./form-field.ts";

export type ProgressEvent = "initiated" | "ringing" | "answered" | "completed";

export interface CallbackTarget {
  readonly url: string;
  readonly method: HttpMethod;
}

export interface CreateCallRequest {
  readonly to: string;
  readonly from: string;
  /** What to run at answer: inline markup, or where to fetch it. */
  readonly script:
    | { readonly kind: "inline"; readonly twiml: string }
    | { readonly kind: "fetched"; readonly target: CallbackTarget };
  readonly fallback: CallbackTarget | null;
  readonly statusCallback: CallbackTarget | null;
  /** Events asked for; only `completed` when none was named. */
  readonly statusEvents: ReadonlySet<ProgressEvent>;
  /** The events came joined in one value, which the real carrier may not accept. */
  readonly eventsWereJoined: boolean;
  readonly ringTimeoutSeconds: number;
  readonly timeLimitSeconds: number | null;
  readonly machineDetection: MachineDetection | null;
  readonly recording: CallbackTarget | null;
  readonly record: boolean;
}

export interface MachineDetection {
  readonly mode: "Enable" | "DetectMessageEnd";
  readonly isAsync: boolean;
  readonly timeoutSeconds: number;
  /** null: the verdict is only in the call resource. */
  readonly callback: CallbackTarget | null;
}

// Limits of the carrier (create-call parameters).
const MAX_TWIML_CHARACTERS = 4_000;
const MAX_RING_SECONDS = 600;
const MIN_TIME_LIMIT_SECONDS = 60;
const MAX_TIME_LIMIT_SECONDS = 86_400;
const EVENTS: readonly string[] = ["initiated", "ringing", "answered", "completed"];

/**
 * Parses the form of a create. Answers the first error found, in the order in which the carrier
 * looks.
 */
export function parseCreateCallRequest(form: URLSearchParams): CreateCallRequest | RestError {
  const to = (form.get("To") ?? "").trim();
  const from = (form.get("From") ?? "").trim();
  if (to === "") return restError(21201);
  if (from === "") return restError(21213);
  const script = parseScript(form);
  if (script.kind === "error") return script;
  const addresses = parseAddresses(form);
  if (addresses.kind === "error") return addresses;
  const limits = parseLimits(form);
  if (limits.kind === "error") return limits;
  const detection = parseMachineDetection(form);
  if (detection.kind === "error") return detection;
  const events = parseEvents(form);
  if (events.kind === "error") return events;
  return {
    to,
    from,
    script,
    fallback: addresses.fallback,
    statusCallback: addresses.statusCallback,
    recording: addresses.recording,
    statusEvents: events.events,
    eventsWereJoined: events.wereJoined,
    ringTimeoutSeconds: limits.ringTimeoutSeconds,
    timeLimitSeconds: limits.timeLimitSeconds,
    machineDetection: detection.detection,
    record: form.get("Record") === "true",
  };
}

/** Reads `Url` or `Twiml`, as create and update take them. `Url` wins over `Twiml`. */
export function parseScript(form: URLSearchParams): CreateCallRequest["script"] | RestError {
  const method = readMethod(form, "Method");
  if (typeof method !== "string") return method;
  const url = form.get("Url");
  if (url !== null && url !== "") {
    const address = readUrl(form, "Url");
    if (address === null || typeof address !== "string") return address ?? restError(21205);
    return { kind: "fetched", target: { url: address, method } };
  }
  const twiml = form.get("Twiml");
  if (twiml !== null && twiml !== "") {
    if (twiml.length > MAX_TWIML_CHARACTERS) return restError(32018, `it has ${twiml.length}`);
    return { kind: "inline", twiml };
  }
  // The simulator holds no applications, so no application id can be right.
  if (form.has("ApplicationSid")) return restError(21218);
  return restError(21205, "one of Url, Twiml and ApplicationSid is required");
}

type Addresses = {
  readonly kind: "addresses";
  readonly fallback: CallbackTarget | null;
  readonly statusCallback: CallbackTarget | null;
  readonly recording: CallbackTarget | null;
};

function parseAddresses(form: URLSearchParams): Addresses | RestError {
  const fallback = readTarget(form, "FallbackUrl", "FallbackMethod");
  if (isError(fallback)) return fallback;
  const statusCallback = readTarget(form, "StatusCallback", "StatusCallbackMethod");
  if (isError(statusCallback)) return statusCallback;
  const recording = readTarget(form, "RecordingStatusCallback", "RecordingStatusCallbackMethod");
  if (isError(recording)) return recording;
  return { kind: "addresses", fallback, statusCallback, recording };
}

type Limits = {
  readonly kind: "limits";
  readonly ringTimeoutSeconds: number;
  readonly timeLimitSeconds: number | null;
};

function parseLimits(form: URLSearchParams): Limits | RestError {
  const ring = readWholeNumber(form, "Timeout", 1, MAX_RING_SECONDS, 21208);
  if (typeof ring !== "number" && ring !== null) return ring;
  const limit = readWholeNumber(
    form,
    "TimeLimit",
    MIN_TIME_LIMIT_SECONDS,
    MAX_TIME_LIMIT_SECONDS,
    20001,
  );
  if (typeof limit !== "number" && limit !== null) return limit;
  const digits = form.get("SendDigits");
  if (digits !== null && !/^[0-9A-D#*wW]{0,32}$/.test(digits)) return restError(21206);
  return { kind: "limits", ringTimeoutSeconds: ring ?? 60, timeLimitSeconds: limit };
}

type Detection = { readonly kind: "detection"; readonly detection: MachineDetection | null };

function parseMachineDetection(form: URLSearchParams): Detection | RestError {
  const mode = form.get("MachineDetection");
  if (mode === null || mode === "") return { kind: "detection", detection: null };
  if (mode !== "Enable" && mode !== "DetectMessageEnd") return restError(21234, mode);
  // Documentation names 59, 60 and 120 as the maximum; the widest is taken.
  const seconds = readWholeNumber(form, "MachineDetectionTimeout", 1, 120, 21234);
  if (typeof seconds !== "number" && seconds !== null) return seconds;
  for (const [name, min, max] of [
    ["MachineDetectionSpeechThreshold", 1000, 6000],
    ["MachineDetectionSpeechEndThreshold", 500, 5000],
    ["MachineDetectionSilenceTimeout", 2000, 10_000],
  ] as const) {
    const milliseconds = readWholeNumber(form, name, min, max, 21234);
    if (typeof milliseconds !== "number" && milliseconds !== null) return milliseconds;
  }
  const callback = readTarget(form, "AsyncAmdStatusCallback", "AsyncAmdStatusCallbackMethod");
  if (isError(callback)) return callback;
  // Sending digits turns detection off.
  if ((form.get("SendDigits") ?? "") !== "") return { kind: "detection", detection: null };
  const isAsync = form.get("AsyncAmd") === "true";
  return {
    kind: "detection",
    detection: { mode, isAsync, timeoutSeconds: seconds ?? 30, callback },
  };
}

type Events = {
  readonly kind: "events";
  readonly events: ReadonlySet<ProgressEvent>;
  readonly wereJoined: boolean;
};

function parseEvents(form: URLSearchParams): Events | RestError {
  const values = form.getAll("StatusCallbackEvent").filter((value) => value !== "");
  if (values.length === 0)
    return { kind: "events", events: new Set(["completed"]), wereJoined: false };
  const names = values.flatMap((value) => value.trim().split(/\s+/));
  const events = new Set<ProgressEvent>();
  for (const name of names) {
    if (!EVENTS.includes(name)) return restError(20001, `StatusCallbackEvent "${name}" is unknown`);
    events.add(name as ProgressEvent);
  }
  return { kind: "events", events, wereJoined: names.length > values.length };
}

function readTarget(
  form: URLSearchParams,
  urlField: string,
  methodField: string,
): CallbackTarget | null | RestError {
  const url = readUrl(form, urlField);
  if (url === null || typeof url !== "string") return url;
  const method = readMethod(form, methodField);
  return typeof method === "string" ? { url, method } : method;
}

function isError(value: CallbackTarget | null | RestError): value is RestError {
  return value !== null && "kind" in value;
}
