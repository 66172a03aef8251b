// Every address that Twilio uses to reach us about one dial, all under the installation's public
// URL. Our call id and dial number are in each path, so the first callback binds a call whose 201
// was lost, and a late callback of an earlier dial is told apart. Paths carry no secret beyond the
// 80 random bits of the call id.

export type CallbackRoute =
  | "status"
  | "amd"
  | "connectAction"
  | "transferAction"
  | "recording"
  | "relay";

/** Paths as the HTTP room mounts them; `callbackAddresses` fills in the parameters. */
export const CALLBACK_ROUTES: Readonly<Record<CallbackRoute, string>> = {
  status: "/twilio/calls/:callId/:dialNumber/status",
  amd: "/twilio/calls/:callId/:dialNumber/amd",
  connectAction: "/twilio/calls/:callId/:dialNumber/connect-action",
  transferAction: "/twilio/calls/:callId/:dialNumber/transfer-action",
  recording: "/twilio/calls/:callId/:dialNumber/recording",
  relay: "/twilio/relay/:callId/:dialNumber",
};

export type CallbackAddresses = Readonly<Record<CallbackRoute, string>>;

// Connection overrides travel in the fragment: Twilio reads them and neither sends nor signs them
// (twilio.md §3.3). Without them a 5xx or a slow answer of ours loses the fact. Five retries of 4 s
// at most; Twilio stops after 15 s in all.
const REPORT_OVERRIDES = "#rc=5&rp=ct,rt,5xx&rt=4000";
// The answer decides what the callee hears next, so fewer and longer tries; the handler is
// idempotent.
const ACTION_OVERRIDES = "#rc=2&rp=ct,rt,5xx&rt=5000";

const FRAGMENTS: Readonly<Record<CallbackRoute, string>> = {
  status: REPORT_OVERRIDES,
  amd: REPORT_OVERRIDES,
  connectAction: ACTION_OVERRIDES,
  transferAction: ACTION_OVERRIDES,
  recording: REPORT_OVERRIDES,
  relay: "",
};

/** `call_` and 32 hex, as newCallId makes it. */
const CALL_ID_SHAPE = /^call_[0-9a-f]{32}$/;
/**
 * A call is asked of the carrier a handful of times at most; four digits bound what a stranger can
 * make us look up.
 */
const DIAL_NUMBER_SHAPE = /^[1-9][0-9]{0,3}$/;

export interface DialReference {
  readonly callId: string;
  readonly dialNumber: number;
}

/**
 * All addresses of one dial. `publicUrl` is http(s), with or without a path; the relay's address is
 * ws:// only for an http:// public URL, which real Twilio refuses and local testing needs.
 */
export function callbackAddresses(publicUrl: string, dial: DialReference): CallbackAddresses {
  const address = (route: CallbackRoute): string =>
    addressOfPath(publicUrl, route === "relay" ? "socket" : "request", pathOf(route, dial)) +
    FRAGMENTS[route];
  return {
    status: address("status"),
    amd: address("amd"),
    connectAction: address("connectAction"),
    transferAction: address("transferAction"),
    recording: address("recording"),
    relay: address("relay"),
  };
}

/**
 * The address under which Twilio requested a raw path (with its query): what its signature covers.
 * Built from the public URL and never from a Host header, which whoever sends the request can
 * choose.
 */
export function addressOfPath(
  publicUrl: string,
  kind: "request" | "socket",
  rawPath: string,
): string {
  const start = publicUrl.replace(/\/+$/, "");
  return (kind === "socket" ? start.replace(/^http/i, "ws") : start) + rawPath;
}

/** Checks the shape of a path's parameters; null when no call of ours can be meant. */
export function parseDialReference(callId: string, dialNumber: string): DialReference | null {
  if (!CALL_ID_SHAPE.test(callId) || !DIAL_NUMBER_SHAPE.test(dialNumber)) return null;
  return { callId, dialNumber: Number(dialNumber) };
}

function pathOf(route: CallbackRoute, dial: DialReference): string {
  return CALLBACK_ROUTES[route]
    .replace(":callId", encodeURIComponent(dial.callId))
    .replace(":dialNumber", String(dial.dialNumber));
}
