// The users' webhook addresses, in process and on virtual time, behind the Outbound port of each
// process: slow, failing, unreachable, or gone for good. What reached them is kept, whatever the
// product was told.

import type { Outbound, OutboundOutcome } from "../../src/ports/outbound.ts";
import type { Dice } from "../../src/simulator/dice.ts";
import type { OutboundFaults } from "./fault-mix.ts";
import type { Journal } from "./journal.ts";
import type { SimulatedProcess } from "./simulated-process.ts";
import type { Timeline } from "./timeline.ts";

/** One webhook whose bytes were written. */
export interface SentWebhook {
  /** The webhook-id header. */
  readonly id: string;
  readonly at: number;
  /** What the address answered; null: nothing that came back. */
  readonly status: number | null;
}

export interface OutboundDeskParts {
  readonly timeline: Timeline;
  readonly journal: Journal;
  readonly dice: Dice;
  readonly faults: () => OutboundFaults;
}

const ATTEMPT_CRASH_WEIGHT = 8;

export class OutboundDesk {
  readonly sent: SentWebhook[] = [];
  readonly #parts: OutboundDeskParts;

  constructor(parts: OutboundDeskParts) {
    this.#parts = parts;
  }

  /** The Outbound port of one process. */
  portOf(process: SimulatedProcess): Outbound {
    return {
      send: async ({ headers, timeoutMs }) => {
        const id = headers["webhook-id"] ?? "none";
        const { dice } = this.#parts;
        const { status, answerAfterMs } = await process.ask({
          what: `webhook ${id}`,
          latencyMs: dice.between(5, 60),
          crashWeight: ATTEMPT_CRASH_WEIGHT,
          run: () => this.#take(id, timeoutMs),
        });
        return process.ask<OutboundOutcome>({
          what: `answer of webhook ${id}`,
          latencyMs: answerAfterMs,
          crashWeight: ATTEMPT_CRASH_WEIGHT,
          run: () =>
            status === null
              ? { kind: "failed", reason: `no answer within ${timeoutMs} ms` }
              : { kind: "answered", status, body: "" },
        });
      },
    };
  }

  #take(id: string, timeoutMs: number): { status: number | null; answerAfterMs: number } {
    const { timeline, journal, dice, faults } = this.#parts;
    const { lost, failing, gone } = faults();
    // Every fault is drawn each time, so that changing one leaves the others' dice alone.
    const isLost = dice.chance(lost);
    const isFailing = dice.chance(failing);
    const isGone = dice.chance(gone);
    const status = isLost ? null : isFailing ? dice.pick([500, 503, 429] as const) : 200;
    const said = isGone && status === 200 ? 410 : status;
    this.sent.push({ id, at: Math.floor(timeline.now()), status: said });
    journal.note(timeline.now(), `webhook ${id} ${said ?? "lost"}`);
    return { status: said, answerAfterMs: said === null ? timeoutMs : dice.between(20, 2_000) };
  }
}
