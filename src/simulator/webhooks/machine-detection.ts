// Voicemail detection: when the verdict comes and what it says, with the errors that the real one
// makes. The verdict for a phone is a pure function of seed and phone, so that a run repeats.

import type { MachineDetection } from "../carrier-model/create-call-request.ts";
import type { Faults } from "../control/faults.ts";
import type { PickedUpBy } from "../carrier-model/phone-line.ts";
import type { Dice } from "../dice.ts";

export interface MachineVerdict {
  readonly answeredBy: string;
  /** From the answer, as in life, before the speed divides it. */
  readonly afterMs: number;
}

// Detection takes about 4 s at default settings; nothing is decided in the first second and a half.
const MEAN_MS = 3_800;
const DEVIATION_MS = 1_000;
const MIN_MS = 1_500;

/** `greetingMs` is how long a machine talks before its beep; ignored for others. */
export function decideMachineVerdict(
  detection: MachineDetection,
  pickedUpBy: PickedUpBy,
  greetingMs: number,
  errors: Faults["amd"],
  dice: Dice,
): MachineVerdict {
  const quickMs = Math.max(MIN_MS, dice.normal(MEAN_MS, DEVIATION_MS));
  const tailMs = dice.between(300, 1_200);
  const limitMs = detection.timeoutSeconds * 1000;
  const draw = dice.fraction();
  const errorRate = pickedUpBy === "machine" ? errors.false_negative : errors.false_positive;
  if (pickedUpBy === "nobody" || draw < errors.unknown) {
    return { answeredBy: "unknown", afterMs: Math.min(quickMs, limitMs) };
  }
  if (pickedUpBy === "fax") return { answeredBy: "fax", afterMs: Math.min(quickMs, limitMs) };
  const isTakenForMachine = (pickedUpBy === "machine") !== draw < errors.unknown + errorRate;
  if (!isTakenForMachine) return { answeredBy: "human", afterMs: Math.min(quickMs, limitMs) };
  if (detection.mode === "Enable") {
    return { answeredBy: "machine_start", afterMs: Math.min(quickMs, limitMs) };
  }
  const endMs = Math.max(quickMs, greetingMs + tailMs);
  if (endMs > limitMs) return { answeredBy: "machine_end_other", afterMs: limitMs };
  const hasBeep = pickedUpBy === "machine";
  return { answeredBy: hasBeep ? "machine_end_beep" : "machine_end_silence", afterMs: endMs };
}
