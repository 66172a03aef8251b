// What happened in one simulated world, in order. Its hash is the proof that one seed makes one
// history; its end is what a person reads when a rule was broken.

import { createHash, type Hash } from "node:crypto";

const MAX_KEPT = 4_000;

export class Journal {
  readonly #hash: Hash = createHash("sha256");
  readonly #startsAt: number;
  #lines: string[] = [];
  #count = 0;

  constructor(startsAt: number) {
    this.#startsAt = startsAt;
  }

  get count(): number {
    return this.#count;
  }

  /** `at` is virtual time. */
  note(at: number, what: string): void {
    const line = `${((at - this.#startsAt) / 1_000).toFixed(3)} ${what}`;
    this.#hash.update(line);
    this.#count += 1;
    this.#lines.push(line);
    if (this.#lines.length > MAX_KEPT * 2) this.#lines = this.#lines.slice(-MAX_KEPT);
  }

  /** Ends the journal. */
  digest(): string {
    return this.#hash.digest("hex").slice(0, 16);
  }

  /** The last lines that hold one of the words; all when there are none. */
  tail(count: number, words: readonly string[] = []): readonly string[] {
    const isWanted = (line: string) => words.some((word) => line.includes(word));
    const wanted = words.length === 0 ? this.#lines : this.#lines.filter(isWanted);
    return wanted.slice(-count);
  }
}
