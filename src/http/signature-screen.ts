// Turns forged callbacks and sockets away without asking the database about each: whatever no token
// of this installation signed is nobody's. The tokens are kept in memory and read anew for whoever
// they do not fit, at most a few times a second for all of them together, because a token may have
// been changed a moment ago. Who passes is still checked against the account of the call.

import { AppError } from "../domain/app-error.ts";
import { isSignedBy, type SignedRequest } from "../carrier/twilio/signature.ts";

/** Whoever fits no known token waits so long for the next look: a forger, or a new token. */
const MIN_REFRESH_MS = 250;
/** An HMAC each: more would make the screen dearer than the query it saves. */
export const MAX_SCREENED_TOKENS = 50;
/**
 * Whoever comes beyond them is told to come again: only a flood of forged requests is so many, but
 * one among them may be signed by a token of this very moment.
 */
const MAX_WAITING = 500;

export interface SignatureScreenOptions {
  /** Every token that may sign just now, or the first of them; null: not all can be read. */
  listTokens(limit: number): Promise<readonly string[] | null>;
  monotonicMs(): number;
}

/**
 * Whether some account of this installation may have signed the request.
 * @throws AppError `server_busy` (retryable) for whoever fits no known token while too many wait to
 *   be looked at again, or what `listTokens` threw
 */
export type ScreenSignature = (request: SignedRequest) => Promise<boolean>;

export function createSignatureScreen(options: SignatureScreenOptions): ScreenSignature {
  /** undefined: not read yet. */
  let tokens: readonly string[] | null | undefined;
  let readAt = Number.NEGATIVE_INFINITY;
  let refreshing: Promise<void> | null = null;
  let waiting = 0;

  async function refresh(): Promise<void> {
    const waitMs = Math.max(0, readAt + MIN_REFRESH_MS - options.monotonicMs());
    // Also when there is nothing to wait for, so that it never ends before it is kept.
    await new Promise((resolve) => setTimeout(resolve, waitMs));
    readAt = options.monotonicMs();
    // From here on a request may have come after a change that this look does not see.
    refreshing = null;
    tokens = await options.listTokens(MAX_SCREENED_TOKENS + 1);
  }

  async function nextLook(): Promise<void> {
    waiting += 1;
    try {
      refreshing ??= refresh();
      await refreshing;
    } finally {
      waiting -= 1;
    }
  }

  const fits = (request: SignedRequest): boolean => {
    if (tokens === undefined) return false;
    // Too many to try, or some that cannot be tried: the call will tell which one counts.
    if (tokens === null || tokens.length > MAX_SCREENED_TOKENS) return true;
    return isSignedBy(request, tokens);
  };

  return async (request) => {
    if (fits(request)) return true;
    // Before the first look everybody waits, and it is not put off.
    if (tokens !== undefined && waiting >= MAX_WAITING) throw busy();
    await nextLook();
    return fits(request);
  };
}

function busy(): AppError {
  return new AppError("server_busy", {
    message: "Too many requests that nobody known has signed are being looked at.",
    retryAfterSeconds: 1,
  });
}
