// A carrier that has the opening of each call prepared as it is dialed: the model writes while the
// phone rings. Placing never waits for it.

import type { Carrier } from "../ports/carrier.ts";

export function withOpenings(
  carrier: Carrier,
  prepare: (dial: { readonly callId: string; readonly dialNumber: number }) => Promise<void>,
): Carrier {
  return {
    place: async (credentials, order, slot) => {
      const placing = carrier.place(credentials, order, slot);
      // It logs its own failures.
      prepare(order).catch(() => null);
      return placing;
    },
    end: (...call) => carrier.end(...call),
    lookUp: (...call) => carrier.lookUp(...call),
    list: (...call) => carrier.list(...call),
    listSince: (...call) => carrier.listSince(...call),
    explainBusy: (...call) => carrier.explainBusy(...call),
    findRecording: (...call) => carrier.findRecording(...call),
    openRecording: (...recording) => carrier.openRecording(...recording),
    deleteRecordings: (...call) => carrier.deleteRecordings(...call),
    checkAccount: (...call) => carrier.checkAccount(...call),
    checkNumber: (...call) => carrier.checkNumber(...call),
  };
}
