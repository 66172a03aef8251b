// How quick each turn of the agent was, split into the model's time and ours, and what it took. One
// entry a request to the model; the longest call bounds their number.

import type { Instant } from "../domain/instant.ts";

export interface TurnMetrics {
  readonly turnId: number;
  /** When the model was asked. */
  readonly askedAt: Instant;
  /** From asking to the model's first token; null: it never came. */
  readonly modelMs: number | null;
  /**
   * From the person's final words to our first token, without the model's time; null when nobody
   * had asked, or nothing was said.
   */
  readonly overheadMs: number | null;
  readonly inputTokens: number | null;
  readonly outputTokens: number | null;
  readonly isInterrupted: boolean;
  /** Pieces of the reply that a voice never says; 0 when missing. */
  readonly withheld?: number;
}

export type TurnLog = readonly TurnMetrics[];

export function addTurn(log: TurnLog, turnId: number, askedAt: Instant): TurnLog {
  const nothing = { modelMs: null, overheadMs: null, inputTokens: null, outputTokens: null };
  return [...log, { turnId, askedAt, ...nothing, isInterrupted: false }];
}

/** Changes the entry of a turn; one that is not there is left out. */
export function noteTurn(
  log: TurnLog,
  turnId: number,
  change: (turn: TurnMetrics) => Partial<TurnMetrics>,
): TurnLog {
  // The newest is nearly always meant.
  const index = log.findLastIndex((turn) => turn.turnId === turnId);
  const turn = log[index];
  return turn === undefined ? log : log.with(index, { ...turn, ...change(turn) });
}

export function noteWithheld(log: TurnLog, turnId: number, count: number): TurnLog {
  if (count === 0) return log;
  return noteTurn(log, turnId, ({ withheld = 0 }) => ({ withheld: withheld + count }));
}

export function noteFirstToken(log: TurnLog, turnId: number, at: Instant): TurnLog {
  const turn = log.findLast((one) => one.turnId === turnId);
  if (turn === undefined || turn.modelMs !== null) return log;
  return noteTurn(log, turnId, ({ askedAt }) => ({ modelMs: Math.max(0, at - askedAt) }));
}
