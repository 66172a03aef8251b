// What goes wrong between the carrier and the other side of one socket: frames that come late,
// twice, garbled, or not at all, and sockets that end early. Drawn once when the socket opens; its
// waits are real time.

import type { Faults } from "../control/faults.ts";
import type { Dice } from "../dice.ts";
import type { Pace } from "../pace.ts";

export interface RelayTrouble {
  readonly dice: Dice;
  /** Our side of the socket is dropped; null: never. So for every wait here. */
  readonly dropAfterMs: number | null;
  readonly close: { readonly afterMs: number; readonly code: number } | null;
  /** `setup` and everything behind it is held back for so long. */
  readonly setupLateMs: number;
  readonly errorAfterMs: number | null;
  readonly muteAfterMs: number | null;
  readonly hidesReports: boolean;
  /** Probability, for each frame. */
  readonly doubled: number;
  readonly garbled: number;
}

type Wait = { readonly probability: number; readonly min_ms: number; readonly max_ms: number };

export function drawRelayTrouble(dice: Dice, faults: Faults["relay"]): RelayTrouble {
  // Every fault is drawn, so that changing one probability leaves the others as they were.
  const draw = (wait: Wait): number | null => {
    const isStruck = dice.chance(wait.probability);
    const afterMs = dice.between(wait.min_ms, wait.max_ms);
    return isStruck ? afterMs : null;
  };
  const dropAfterMs = draw(faults.socket_loss);
  const closeAfterMs = draw(faults.close);
  return {
    dice,
    dropAfterMs,
    close: closeAfterMs === null ? null : { afterMs: closeAfterMs, code: faults.close.code },
    setupLateMs: draw(faults.late_setup) ?? 0,
    errorAfterMs: draw(faults.error_frame),
    muteAfterMs: draw(faults.falls_mute),
    hidesReports: dice.chance(faults.no_reports.probability),
    doubled: faults.doubled_frame.probability,
    garbled: faults.garbled_frame.probability,
  };
}

export interface TroubledLine {
  /** Starts the waits. */
  opened(): void;
  send(text: string): void;
}

/** A line to the other side on which all that is in `trouble` happens. */
export function withTrouble(
  deliver: (text: string) => void,
  trouble: RelayTrouble,
  pace: Pace,
): TroubledLine {
  const held: string[] = [];
  let isHeld = trouble.setupLateMs > 0;
  let isMute = false;

  const send = (text: string): void => {
    if (isMute) return;
    if (isHeld) {
      held.push(text);
      return;
    }
    if (trouble.hidesReports && text.startsWith('{"type":"info"')) return;
    // Both dice roll for every frame.
    const isGarbled = trouble.dice.chance(trouble.garbled);
    const isDoubled = trouble.dice.chance(trouble.doubled);
    if (isGarbled) deliver(text.slice(0, -1));
    deliver(text);
    if (isDoubled) deliver(text);
  };

  const release = (): void => {
    isHeld = false;
    for (const text of held.splice(0)) send(text);
  };

  return {
    send,
    opened: () => {
      if (isHeld) pace.after(trouble.setupLateMs, release);
      if (trouble.errorAfterMs !== null) {
        const description = "Failed on purpose, code: 64101";
        pace.after(trouble.errorAfterMs, () =>
          send(JSON.stringify({ type: "error", description })),
        );
      }
      if (trouble.muteAfterMs !== null) {
        pace.after(trouble.muteAfterMs, () => {
          isMute = true;
        });
      }
    },
  };
}
