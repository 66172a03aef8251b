// HTTP to addresses that users gave (webhooks, agent tools). The private-address check, time-outs
// and size limits live behind this port and nowhere else.

export interface OutboundRequest {
  readonly url: string;
  readonly method: "GET" | "POST";
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | null;
  readonly timeoutMs: number;
  /** Gives up at once when aborted; what was sent by then may have arrived. */
  readonly signal?: AbortSignal;
}

export type OutboundOutcome =
  | { readonly kind: "answered"; readonly status: number; readonly body: string }
  /** The address is not allowed (private, not https). Never sent; never worth retrying. */
  | { readonly kind: "forbidden"; readonly reason: string }
  | { readonly kind: "failed"; readonly reason: string };

export interface Outbound {
  /** Sends once, follows no redirect, never throws. The answer's body is cut at 64 KiB. */
  send(request: OutboundRequest): Promise<OutboundOutcome>;
}
