// Turns forged callbacks and sockets away without asking the database about each: whatever no token
// of this installation signed is nobody's. The tokens are kept in memory and read anew for whoever
// they do not fit, at most a few times a second for all of them together, because a token may have
// been changed a moment ago. Who passes is still checked against the account of the call.

import { isSignedBy, type SignedRequest } from "../carrier/twilio/signature.ts";

/** Whoever fits no known token waits so long for the next look: a forger, or a new token. */
const MIN_REFRESH_MS = 250;
/** An HMAC each: more would make the screen dearer than the query it saves. */
export const MAX_SCREENED_TOKENS = 50;
/** Whoever comes beyond them is turned away at once: once the tokens are known, only a flood of
 * forged requests is so many. */
const MAX_WAITING = 500;

export interface SignatureScreenOptions {
  /** Every token that may sign just now, or the first of them. */
  listTokens(limit: number): Promise<readonly string[]>;
  monotonicMs(): number;
}

/** Whether some account of this installation signed the request. Rejects as `listTokens` does. */
export type ScreenSignature = (request: SignedRequest) => Promise<boolean>;

export function createSignatureScreen(options: SignatureScreenOptions): ScreenSignature {
  let tokens: readonly string[] | null = null;
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

  // Too many to try: the call will tell which one counts.
  const fits = (request: SignedRequest, known: readonly string[]): boolean =>
    known.length > MAX_SCREENED_TOKENS || isSignedBy(request, known);

  return async (request) => {
    if (tokens !== null) {
      if (fits(request, tokens)) return true;
      if (waiting >= MAX_WAITING) return false;
    }
    await nextLook();
    return fits(request, tokens ?? []);
  };
}
