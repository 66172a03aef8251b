// Virtual time: everything that will happen, in order. It moves only when the next event runs, so a
// year of silence costs nothing. Events at one instant run in the order in which they were asked
// for.

import type { Cancel, SimulatorClock } from "../../src/simulator/simulator-clock.ts";

interface TimelineEvent {
  readonly at: number;
  readonly order: number;
  run: (() => void | Promise<void>) | null;
}

export class Timeline implements SimulatorClock {
  #now: number;
  #order = 0;
  /** A binary heap: the earliest event first. */
  readonly #heap: TimelineEvent[] = [];

  constructor(startsAt: number) {
    this.#now = startsAt;
  }

  now(): number {
    return this.#now;
  }

  after(delayMs: number, run: () => void | Promise<void>): Cancel {
    return this.at(this.#now + Math.max(0, delayMs), run);
  }

  at(at: number, run: () => void | Promise<void>): Cancel {
    const event: TimelineEvent = { at: Math.max(at, this.#now), order: this.#order, run };
    this.#order += 1;
    this.#push(event);
    return () => {
      event.run = null;
    };
  }

  /**
   * Runs the next event and everything that follows from it without waiting for the outside world.
   * Answers false when nothing is left. Only an event may do real input and output, and it is
   * awaited here, so that what runs next never depends on how long anything really took.
   */
  async step(): Promise<boolean> {
    const event = this.#pop();
    if (event === null) return false;
    this.#now = event.at;
    if (event.run !== null) {
      await event.run();
      // All promises that this event settled run their continuations before this resolves.
      await new Promise((resolve) => setImmediate(resolve));
    }
    return true;
  }

  #push(event: TimelineEvent): void {
    const heap = this.#heap;
    let index = heap.push(event) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!isBefore(event, heap[parent]!)) break;
      heap[index] = heap[parent]!;
      index = parent;
    }
    heap[index] = event;
  }

  #pop(): TimelineEvent | null {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined) return null;
    if (heap.length === 0) return first;
    let index = 0;
    for (;;) {
      let child = index * 2 + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child += 1;
      if (!isBefore(heap[child]!, last)) break;
      heap[index] = heap[child]!;
      index = child;
    }
    heap[index] = last;
    return first;
  }
}

function isBefore(a: TimelineEvent, b: TimelineEvent): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}
