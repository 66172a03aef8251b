// Why a request through the SDK failed, as a value. The SDK throws two classes of its own for
// answers, and whatever our HTTP threw for the rest.

import { RequestUnsentError } from "./http-exchange.ts";

export type RequestFailure =
  /** No byte was written. */
  | { readonly kind: "unsent"; readonly message: string }
  /** Twilio answered, and it was not success. */
  | {
      readonly kind: "answered";
      readonly status: number;
      readonly code: number | null;
      readonly message: string;
    }
  /** It was written, and the answer is missing or cannot be read. */
  | { readonly kind: "lost"; readonly message: string };

/** A message is shown to operators and stored; Twilio's are one sentence, an outage page is not. */
const MAX_MESSAGE_CHARACTERS = 300;

export function readRequestFailure(error: unknown): RequestFailure {
  const message = messageOf(error);
  if (error instanceof RequestUnsentError) return { kind: "unsent", message };
  const fields = error as { readonly status?: unknown; readonly code?: unknown } | null;
  const status = fields?.status;
  if (typeof status === "number") {
    return { kind: "answered", status, code: numberOf(fields?.code), message };
  }
  return { kind: "lost", message };
}

/** The failure in one line, for a reason that an operator reads. */
export function formatFailure(failure: RequestFailure): string {
  if (failure.kind !== "answered") return failure.message;
  const code = failure.code === null ? "" : ` ${failure.code}`;
  return `Twilio answered ${failure.status}${code}: ${failure.message}`;
}

function messageOf(error: unknown): string {
  const text = error instanceof Error && error.message !== "" ? error.message : "no explanation";
  return text.slice(0, MAX_MESSAGE_CHARACTERS);
}

// Twilio sends numbers; a compatible carrier was seen to send them as strings.
function numberOf(value: unknown): number | null {
  const number = typeof value === "string" && value !== "" ? Number(value) : value;
  return typeof number === "number" && Number.isInteger(number) && number > 0 ? number : null;
}
