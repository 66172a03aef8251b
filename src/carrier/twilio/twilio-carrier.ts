// The Carrier port over Twilio, or over whatever stands in for it at another base URL.
// One pool of connections per process; no state about calls.

import type { Carrier } from "../../ports/carrier.ts";
import type { Clock } from "../../ports/clock.ts";
import { checkTwilioAccount, checkTwilioNumber } from "./account-checks.ts";
import { explainBusyCall, listCalls, listCallsSince, lookUpCall } from "./call-books.ts";
import type { CarrierLog } from "./carrier-log.ts";
import { endCall } from "./end-call.ts";
import { placeCall } from "./place-call.ts";
import { createRecordingMedia } from "./recording-media.ts";
import { deleteRecordings, findRecording } from "./recordings.ts";
import { createTwilioTransport } from "./twilio-http-client.ts";

export interface TwilioCarrierOptions {
  /** TWILIO_API_BASE_URL. */
  readonly baseUrl: string;
  /** CARILLON_PUBLIC_URL: where the carrier reaches us. */
  readonly publicUrl: string;
  readonly clock: Clock;
  readonly log: CarrierLog;
  /** Told how long after its instant a create-call request went out. */
  readonly onWritten?: (lateMs: number) => void;
}

export interface TwilioCarrier extends Carrier {
  /** Waits for requests in hand and closes the connections. */
  close(): Promise<void>;
}

export function createTwilioCarrier(options: TwilioCarrierOptions): TwilioCarrier {
  const { baseUrl, publicUrl, clock, log, onWritten } = options;
  const transport = createTwilioTransport({
    baseUrl,
    monotonicMs: () => clock.monotonicMs(),
    log,
  });
  const media = createRecordingMedia(baseUrl);
  const deps = { transport, publicUrl, clock, ...(onWritten === undefined ? {} : { onWritten }) };
  return {
    place: (credentials, order, slot) => placeCall(deps, credentials, order, slot),
    end: (credentials, carrierCallId, how) => endCall(transport, credentials, carrierCallId, how),
    lookUp: (credentials, carrierCallId) => lookUpCall(transport, credentials, carrierCallId),
    list: (credentials, pair) => listCalls(transport, credentials, pair),
    listSince: (credentials, since) => listCallsSince(transport, credentials, since),
    explainBusy: (credentials, carrierCallId) =>
      explainBusyCall(transport, credentials, carrierCallId),
    findRecording: (credentials, carrierCallId) =>
      findRecording(transport, credentials, carrierCallId),
    openRecording: (...recording) => media.open(...recording),
    deleteRecordings: (credentials, carrierCallId) =>
      deleteRecordings(transport, credentials, carrierCallId),
    checkAccount: (credentials) => checkTwilioAccount(transport, credentials),
    checkNumber: (credentials, phone) => checkTwilioNumber(transport, credentials, phone),
    close: async () => {
      await media.close();
      await transport.close();
    },
  };
}
