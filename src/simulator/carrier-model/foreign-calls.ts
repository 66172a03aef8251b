// Calls that others of the same account made to the same people. The carrier's list holds them
// beside ours and nothing in it tells them apart, which is what makes adopting a call from the list
// a risk.

import type { Dice } from "../dice.ts";
import type { Call } from "./call.ts";
import { createCallRecord, moveCall } from "./call.ts";

const DAY_MS = 86_400_000;
/** Close enough to be mistaken for ours. */
const NEAR_MS = 20_000;
const TALK_MS = 40_000;

/**
 * A foreign call with the same numbers as `call`, already over; `isNear`: at about the same time.
 */
export function createForeignCall(call: Call, isNear: boolean, dice: Dice): Call {
  const createdAt = isNear
    ? call.createdAt - dice.between(0, NEAR_MS)
    : call.createdAt - dice.between(NEAR_MS * 10, DAY_MS);
  const foreign = createCallRecord({
    sid: `CA${dice.hex(32)}`,
    accountSid: call.accountSid,
    to: call.to,
    from: call.from,
    numberSid: call.numberSid,
    direction: "outbound-api",
    request: null,
    createdAt,
    listedAt: createdAt,
  });
  foreign.dialedAt = createdAt;
  moveCall(foreign, "ringing", createdAt);
  moveCall(foreign, "in-progress", createdAt);
  moveCall(foreign, "completed", createdAt + TALK_MS);
  return foreign;
}
