// Whether a request really comes from Twilio: the SDK's own validator, over the public address and
// never a Host header. Two tokens may be right at once: a new one and, for a day, the one it
// replaced.

import webhooks from "twilio/lib/webhooks/webhooks.js";

export interface SignedRequest {
  /** The full address as Twilio requested it, query included, fragment not. */
  readonly address: string;
  /** X-Twilio-Signature; undefined when the header is missing. */
  readonly signature: string | undefined;
  /** Form parameters; empty for a WebSocket upgrade. A repeated name has an array. */
  readonly parameters: Readonly<Record<string, string | string[]>>;
}

/** Twenty bytes as base64. */
const SIGNATURE_SHAPE = /^[A-Za-z0-9+/]{27}=$/;

/** Whether a header can be a signature at all; what is not need not be read any further. */
export function isSignatureShaped(signature: string | undefined): signature is string {
  return signature !== undefined && SIGNATURE_SHAPE.test(signature);
}

/** True when any of the account's tokens signed the request. Source: twilio.md §3.4, §5.5. */
export function isSignedBy(request: SignedRequest, tokens: readonly string[]): boolean {
  const { signature } = request;
  if (!isSignatureShaped(signature)) return false;
  return tokens.some((token) =>
    webhooks.validateRequest(token, signature, request.address, { ...request.parameters }),
  );
}
