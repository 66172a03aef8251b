// Who answered, as far as a conversation knows: what was heard, what it speaks for, the verdict.
// A person is a verdict for the time being, because machines begin with "Hello?" too; a machine is
// final, and whatever stands when the line is cut is settled. Times count from the answer.

import type { AnsweredBy } from "../domain/carrier-event.ts";
import type { Instant } from "../domain/instant.ts";

export type VerdictMethod =
  /** Rules over what was said (opening-rules.ts). */
  | "phrases"
  /** One forced choice of the language model. */
  | "model"
  /** The carrier's own detection. */
  | "carrier"
  /** The model said so in the middle of the talk. */
  | "tag"
  /** Nothing was said. */
  | "silence";

export interface Verdict {
  readonly answeredBy: AnsweredBy;
  readonly method: VerdictMethod;
  /** The words or the answer it rests on. */
  readonly reason: string;
  /** From the answer to the verdict. */
  readonly delayMs: number;
}

/** One thing that spoke for a verdict, so that a wrong one can be looked into. */
export interface Evidence {
  readonly afterMs: number;
  readonly method: VerdictMethod;
  readonly says: string;
}

export interface AnswerWatch {
  /** When the call was answered; the connection, when nobody said. */
  readonly answeredAt: Instant;
  /** What was said while our speech was held back. */
  readonly heard: string;
  /** The model is asked at most once. */
  readonly check: "not_asked" | "asked" | "answered";
  readonly carrier: AnsweredBy | null;
  readonly verdict: Verdict | null;
  readonly evidence: readonly Evidence[];
}

/** What a machine says after this long is part of a talk (voice.md §3). */
export const WATCH_MS = 30_000;
const MAX_HEARD_CHARACTERS = 1_000;
const MAX_EVIDENCE = 20;
const MAX_REASON_CHARACTERS = 200;

export const NO_WATCH: AnswerWatch = {
  answeredAt: 0,
  heard: "",
  check: "not_asked",
  carrier: null,
  verdict: null,
  evidence: [],
};

export function addHeard(watch: AnswerWatch, text: string): AnswerWatch {
  const heard = `${watch.heard} ${text}`.trim().slice(0, MAX_HEARD_CHARACTERS).toWellFormed();
  return { ...watch, heard };
}

export function addEvidence(
  watch: AnswerWatch,
  fact: { readonly method: VerdictMethod; readonly says: string },
  at: Instant,
): AnswerWatch {
  if (watch.evidence.length >= MAX_EVIDENCE) return watch;
  const says = fact.says.slice(0, MAX_REASON_CHARACTERS).toWellFormed();
  const entry = { afterMs: Math.max(0, at - watch.answeredAt), method: fact.method, says };
  return { ...watch, evidence: [...watch.evidence, entry] };
}

/**
 * The watch with a verdict. A machine or a fax stays (but see `withPickUp`), and a person gives way
 * to nothing else than those.
 */
export function withVerdict(
  watch: AnswerWatch,
  verdict: Omit<Verdict, "delayMs">,
  at: Instant,
): AnswerWatch {
  const before = watch.verdict?.answeredBy;
  const noted = addEvidence(
    watch,
    { method: verdict.method, says: `${verdict.answeredBy}: ${verdict.reason}` },
    at,
  );
  const isMachine = verdict.answeredBy === "machine" || verdict.answeredBy === "fax";
  const isSettled = before === "machine" || before === "fax" || (before === "human" && !isMachine);
  if (isSettled) return noted;
  const reason = verdict.reason.slice(0, MAX_REASON_CHARACTERS).toWellFormed();
  const delayMs = Math.max(0, at - watch.answeredAt);
  return { ...noted, verdict: { ...verdict, reason, delayMs } };
}

/** The watch once somebody has picked up where a mailbox answered: the one way back from it. */
export function withPickUp(watch: AnswerWatch, reason: string, at: Instant): AnswerWatch {
  const human = { answeredBy: "human", method: "phrases", reason } as const;
  return withVerdict({ ...watch, heard: "", verdict: null }, human, at);
}
