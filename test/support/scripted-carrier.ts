// A carrier at the port's border whose answers a test writes down beforehand. It keeps its own
// books of what it was asked.

import type {
  Carrier,
  CarrierCallSnapshot,
  DialOrder,
  DialSlotOfTime,
  EndOutcome,
  ListOutcome,
  LookUpOutcome,
  PlaceOutcome,
  RecordingErasure,
  RecordingLookUp,
} from "../../src/ports/carrier.ts";

export interface PlacedOrder {
  readonly order: DialOrder;
  readonly slot: DialSlotOfTime;
  readonly carrierCallId: string;
}

export interface ScriptedCarrier extends Carrier {
  readonly placed: PlacedOrder[];
  readonly ended: { readonly carrierCallId: string; readonly how: string }[];
  /** Answers the next placings; when it runs out, calls are placed. */
  readonly placeAnswers: PlaceOutcome[];
  lookUpAnswer: (carrierCallId: string) => LookUpOutcome;
  listAnswer: () => ListOutcome;
  /** The pages of the account's whole list. */
  pagesAnswer: () => readonly ListOutcome[];
  busyAnswer: "concurrency" | "busy" | "failed";
  endAnswer: EndOutcome;
  recordingAnswer: RecordingLookUp;
  erasureAnswer: RecordingErasure;
  /** Calls whose recordings were to be deleted. */
  readonly unrecorded: string[];
}

export function scriptedCarrier(): ScriptedCarrier {
  const carrier: ScriptedCarrier = {
    placed: [],
    ended: [],
    placeAnswers: [],
    lookUpAnswer: () => ({ kind: "failed", reason: "not scripted" }),
    listAnswer: () => ({ kind: "listed", calls: [] }),
    pagesAnswer: () => [{ kind: "listed", calls: [] }],
    busyAnswer: "busy",
    endAnswer: { kind: "accepted" },
    recordingAnswer: { kind: "absent" },
    erasureAnswer: { kind: "deleted", count: 1 },
    unrecorded: [],
    place: (_credentials, order, slot) => {
      const carrierCallId = `CA${String(carrier.placed.length + 1).padStart(32, "0")}`;
      carrier.placed.push({ order, slot, carrierCallId });
      return Promise.resolve(
        carrier.placeAnswers.shift() ?? { kind: "placed", carrierCallId, queueTimeMs: 0 },
      );
    },
    end: (_credentials, carrierCallId, how) => {
      carrier.ended.push({ carrierCallId, how });
      return Promise.resolve(carrier.endAnswer);
    },
    lookUp: (_credentials, carrierCallId) => Promise.resolve(carrier.lookUpAnswer(carrierCallId)),
    list: () => Promise.resolve(carrier.listAnswer()),
    listSince: async function* () {
      for (const page of carrier.pagesAnswer()) yield await Promise.resolve(page);
    },
    explainBusy: () => Promise.resolve(carrier.busyAnswer),
    findRecording: () => Promise.resolve(carrier.recordingAnswer),
    openRecording: () => Promise.resolve({ kind: "absent" }),
    deleteRecordings: (_credentials, carrierCallId) => {
      carrier.unrecorded.push(carrierCallId);
      return Promise.resolve(carrier.erasureAnswer);
    },
    checkAccount: () =>
      Promise.resolve({ kind: "verified", accountType: "full", maxConcurrentCalls: null }),
    checkNumber: () => Promise.resolve({ kind: "owned", carrierNumberId: null, canCall: true }),
  };
  return carrier;
}

export function snapshot(
  placed: PlacedOrder,
  status: CarrierCallSnapshot["status"],
): CarrierCallSnapshot {
  return {
    carrierCallId: placed.carrierCallId,
    to: placed.order.to,
    from: placed.order.from,
    status,
    answeredBy: null,
    createdAt: null,
    durationSeconds: null,
    isOutboundApi: true,
  };
}
