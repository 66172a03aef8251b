// The verbs of the carrier's markup that the simulator knows. Anything else fails the document
// (12200), louder than the real carrier, which ignores some mistakes: a rehearsal should find them.

import type { CallbackTarget } from "../carrier-model/create-call-request.ts";
import type { PhoneLine } from "../carrier-model/phone-line.ts";
import type { TwimlElement } from "./parse-twiml.ts";
import type { ScriptLine, ScriptSource, VerbResult } from "./script-line.ts";

export interface VerbContext {
  readonly line: ScriptLine;
  readonly element: TwimlElement;
  /** Address of the document, for relative addresses in it; null for inline markup. */
  readonly baseUrl: string | null;
  readonly signal: AbortSignal;
}

export type Verb = (context: VerbContext) => Promise<VerbResult>;

const NEXT: VerbResult = { kind: "next" };
const INVALID: VerbResult = { kind: "failed", code: 12200 };

/** How long a recording plays: its real length is not looked up. */
const SOUND_MS = 3_000;
/** How long a call that is handed over goes on: what is said there is nobody's business here. */
const COLLEAGUE_TALK_MS = 20_000;
const MAX_LOOPS = 1_000;

const VERBS: Readonly<Record<string, Verb>> = {
  Say: async ({ line, element, signal }) => {
    const loops = loopCount(element);
    for (let i = 0; i < loops && !signal.aborted; i += 1) await line.speak(textOf(element), signal);
    return NEXT;
  },
  Play: async ({ line, element, signal }) => {
    const digits = element.attributes["digits"];
    const ms = digits === undefined ? SOUND_MS * loopCount(element) : digits.length * 250;
    await line.playSound(ms, signal);
    return NEXT;
  },
  Pause: async ({ line, element, signal }) => {
    const seconds = Number(element.attributes["length"] ?? "1");
    if (!Number.isInteger(seconds) || seconds < 0) return INVALID;
    await line.pause(seconds * 1000, signal);
    return NEXT;
  },
  Dial: runDial,
  Hangup: async () => ({ kind: "hang_up" }),
  Reject: async () => ({ kind: "hang_up" }),
  Redirect: async ({ element, baseUrl }) => {
    const target = resolveTarget(element.text, element.attributes["method"], baseUrl);
    return target === null ? INVALID : { kind: "go", source: fetched(target, {}) };
  },
  Gather: runGather,
  Start: async ({ line, element, baseUrl }) => {
    const recording = element.children[0];
    if (recording?.name !== "Recording") return INVALID;
    const url = recording.attributes["recordingStatusCallback"];
    const method = recording.attributes["recordingStatusCallbackMethod"];
    const events = recording.attributes["recordingStatusCallbackEvent"] ?? "completed";
    const target = url === undefined ? null : resolveTarget(url, method, baseUrl);
    line.startRecording(target, new Set(events.split(/\s+/)));
    return NEXT;
  },
  Stop: async () => NEXT,
  Connect: async ({ line, element, baseUrl, signal }) => {
    const relay = element.children[0];
    if (relay?.name !== "ConversationRelay") return INVALID;
    const url = element.attributes["action"];
    const action =
      url === undefined ? null : resolveTarget(url, element.attributes["method"], baseUrl);
    if (url !== undefined && action === null) return INVALID;
    return line.connectRelay(relay, action, signal);
  },
};

/** The verb of this exact name (case matters), or null. */
export function findVerb(name: string): Verb | null {
  return Object.hasOwn(VERBS, name) ? (VERBS[name] ?? null) : null;
}

// The colleague talks for a while and hangs up. What the call hears next is the action's to say,
// where there is one.
async function runDial({ line, element, baseUrl, signal }: VerbContext): Promise<VerbResult> {
  const { attributes } = element;
  const phone = element.text.trim();
  const timeoutMs = Number(attributes["timeout"] ?? "30") * 1000;
  const limitMs = Number(attributes["timeLimit"] ?? "14400") * 1000;
  if (!/^\+[1-9]\d{6,14}$/.test(phone) || !(timeoutMs > 0) || !(limitMs > 0)) return INVALID;
  const { status, ringMs } = ring(line.lineOf(phone), timeoutMs);
  await line.pause(ringMs, signal);
  if (status === "completed") await line.pause(Math.min(COLLEAGUE_TALK_MS, limitMs), signal);
  const url = attributes["action"];
  if (url === undefined || signal.aborted) return NEXT;
  const target = resolveTarget(url, attributes["method"], baseUrl);
  return target === null
    ? INVALID
    : { kind: "go", source: fetched(target, { DialCallStatus: status }) };
}

function ring(
  phone: PhoneLine,
  timeoutMs: number,
): { readonly status: string; readonly ringMs: number } {
  switch (phone.kind) {
    case "answers":
    case "rejects":
      return phone.kind === "answers" && phone.ringMs <= timeoutMs
        ? { status: "completed", ringMs: phone.ringMs }
        : { status: "no-answer", ringMs: Math.min(phone.ringMs, timeoutMs) };
    case "rings_out":
      return { status: "no-answer", ringMs: timeoutMs };
    case "busy":
      return { status: "busy", ringMs: 0 };
    case "unallocated":
    case "network_fails":
      return { status: "failed", ringMs: 0 };
  }
}

async function runGather({ line, element, baseUrl, signal }: VerbContext): Promise<VerbResult> {
  const { attributes } = element;
  const timeoutSeconds = Number(attributes["timeout"] ?? "5");
  const maxDigits = attributes["numDigits"] === undefined ? null : Number(attributes["numDigits"]);
  if (!(timeoutSeconds >= 0) || (maxDigits !== null && !(maxDigits >= 1))) return INVALID;
  const order = {
    maxDigits,
    finishOnKey: attributes["finishOnKey"] ?? "#",
    timeoutMs: timeoutSeconds * 1000,
    acceptsSpeech: (attributes["input"] ?? "dtmf").includes("speech"),
  };
  const collected = await line.collect(
    order,
    async (promptSignal) => {
      for (const child of element.children) {
        const verb = ["Say", "Play", "Pause"].includes(child.name) ? findVerb(child.name) : null;
        if (promptSignal.aborted) return;
        await verb?.({ line, element: child, baseUrl, signal: promptSignal });
      }
    },
    signal,
  );
  if (collected.digits === "" && collected.speech === "") return NEXT;
  const action = attributes["action"] ?? baseUrl ?? "";
  const target = resolveTarget(action, attributes["method"], baseUrl);
  if (target === null) return INVALID;
  const fields =
    collected.digits === ""
      ? { SpeechResult: collected.speech, Confidence: "0.9" }
      : { Digits: collected.digits };
  return { kind: "go", source: fetched(target, fields) };
}

function fetched(target: CallbackTarget, fields: Readonly<Record<string, string>>): ScriptSource {
  return { kind: "fetched", target, fields };
}

function resolveTarget(
  url: string,
  method: string | undefined,
  baseUrl: string | null,
): CallbackTarget | null {
  const resolved = URL.parse(url, baseUrl ?? undefined);
  if (resolved === null || !/^https?:$/.test(resolved.protocol)) return null;
  // An absolute address is requested as it stands, because it is signed as it stands.
  const exact = /^https?:\/\//i.test(url) ? url : resolved.href;
  return { url: exact, method: method?.toUpperCase() === "GET" ? "GET" : "POST" };
}

function loopCount(element: TwimlElement): number {
  const loops = Number(element.attributes["loop"] ?? "1");
  return loops === 0 ? MAX_LOOPS : Math.min(Math.max(1, Math.floor(loops) || 1), MAX_LOOPS);
}

/** Text of an element and of the markup inside it (speech tags). */
function textOf(element: TwimlElement): string {
  return [element.text, ...element.children.map(textOf)].join(" ").trim();
}
