// A dial order as the carrier model takes it: what the product's own REST client would have sent,
// without its markup and addresses, which nobody reads here.

import type { DialOrder } from "../../src/ports/carrier.ts";
import type { CreateCallRequest } from "../../src/simulator/carrier-model/create-call-request.ts";

export function createRequestOf(order: DialOrder): CreateCallRequest {
  return {
    to: order.to,
    from: order.from,
    script: { kind: "inline", twiml: "<Response/>" },
    fallback: null,
    statusCallback: null,
    statusEvents: new Set(["initiated", "ringing", "answered", "completed"]),
    eventsWereJoined: false,
    ringTimeoutSeconds: order.ringTimeoutSeconds,
    timeLimitSeconds: order.maxCallDurationSeconds,
    machineDetection: null,
    recording: null,
    record: false,
  };
}
