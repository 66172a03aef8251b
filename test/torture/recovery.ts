// How long it takes until somebody is called again after each fault: from its beginning, with the
// outage itself, until the next create that was written after it and that the carrier took.

import type { FaultKind } from "./fault-plan.ts";

/** What was written this soon after a fault began had passed the gate before it. */
const GATE_LEAD_MS = 300;

export interface RecoveryOfKind {
  readonly kind: FaultKind;
  readonly count: number;
  readonly longestMs: number;
}

export interface RecoveryWatch {
  began(kind: FaultKind): void;
  placed(writtenAt: number): void;
  /** Nobody is waiting to be called: what has not recovered by now has nothing to show it by. */
  nothingToDo(): void;
  /** Since the last call was placed, ms. */
  silentMs(): number;
  report(): readonly RecoveryOfKind[];
}

export function createRecoveryWatch(): RecoveryWatch {
  const open: { readonly kind: FaultKind; readonly at: number }[] = [];
  const done = new Map<FaultKind, number[]>();
  let lastPlacedAt = performance.now();
  return {
    began: (kind) => open.push({ kind, at: performance.now() }),
    placed: (writtenAt) => {
      const now = performance.now();
      lastPlacedAt = now;
      for (const fault of open.splice(0)) {
        if (writtenAt < fault.at + GATE_LEAD_MS) open.push(fault);
        else done.set(fault.kind, [...(done.get(fault.kind) ?? []), now - fault.at]);
      }
    },
    nothingToDo: () => {
      open.length = 0;
    },
    silentMs: () => performance.now() - lastPlacedAt,
    report: () =>
      [...done]
        .map(([kind, list]) => ({ kind, count: list.length, longestMs: Math.max(...list) }))
        .sort((a, b) => b.longestMs - a.longestMs),
  };
}
