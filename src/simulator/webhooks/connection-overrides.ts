// What a caller may put behind the # of a callback address to change time-outs and retries. The
// fragment is neither sent nor signed. Values outside their range are ignored, as are unknown keys.

export type RetryReason = "ct" | "rt" | "4xx" | "5xx";

export interface ConnectionOverrides {
  readonly connectTimeoutMs: number;
  readonly readTimeoutMs: number;
  readonly totalTimeoutMs: number;
  readonly maxRetries: number;
  readonly retryOn: ReadonlySet<RetryReason>;
}

export interface CallbackAddress {
  /** What is requested and signed. */
  readonly url: string;
  /** Credentials that stood in the address, for basic authentication; else null. */
  readonly userInfo: string | null;
  readonly overrides: ConnectionOverrides;
}

/**
 * Splits a callback address into what is requested and how. The address must have been checked
 * before.
 */
export function parseCallbackAddress(text: string): CallbackAddress {
  const hash = text.indexOf("#");
  const withoutFragment = hash === -1 ? text : text.slice(0, hash);
  const fragment = new URLSearchParams(hash === -1 ? "" : text.slice(hash + 1));
  const match = /^([a-z]+:\/\/)([^/?@]*)@(.*)$/i.exec(withoutFragment);
  return {
    url: match === null ? withoutFragment : `${match[1]}${match[3]}`,
    userInfo: match === null ? null : decodeURIComponent(match[2] ?? ""),
    overrides: {
      connectTimeoutMs: inRange(fragment.get("ct"), 100, 10_000) ?? 5_000,
      readTimeoutMs: inRange(fragment.get("rt"), 100, 15_000) ?? 15_000,
      totalTimeoutMs: inRange(fragment.get("tt"), 100, 15_000) ?? 15_000,
      maxRetries: inRange(fragment.get("rc"), 0, 5) ?? 1,
      retryOn: parseRetryPolicy(fragment.get("rp")),
    },
  };
}

function parseRetryPolicy(text: string | null): ReadonlySet<RetryReason> {
  if (text === null) return new Set(["ct"]);
  const reasons = new Set<RetryReason>();
  for (const word of text.split(",")) {
    if (word === "all") return new Set(["ct", "rt", "4xx", "5xx"]);
    if (word === "ct" || word === "rt" || word === "4xx" || word === "5xx") reasons.add(word);
  }
  return reasons;
}

function inRange(text: string | null, min: number, max: number): number | null {
  if (text === null || !/^\d{1,6}$/.test(text)) return null;
  const value = Number(text);
  return value >= min && value <= max ? value : null;
}
