// Seeded dice. Every concern opens its own stream by name, so drawing more for one never changes
// another, and a fact about one phone or one call can be drawn afresh at any time with the same
// result. The generator is xoshiro128**; its state comes from SHA-256 of seed and names. Not for
// secrets.

import { createHash } from "node:crypto";

export interface Dice {
  /** Uniform in [0, 1). */
  fraction(): number;
  /** Uniform between two numbers. */
  between(min: number, max: number): number;
  /** True with the given probability. */
  chance(probability: number): boolean;
  pick<T>(items: readonly [T, ...T[]]): T;
  /** Normally distributed (sum of twelve uniforms, so never beyond six deviations). */
  normal(mean: number, deviation: number): number;
  /** Lower-case hexadecimal digits. */
  hex(length: number): string;
}

/**
 * Opens the stream that belongs to these names under this seed. Pure: the same arguments give the
 * same stream.
 */
export function openDice(seed: number | string, ...names: readonly (string | number)[]): Dice {
  const digest = createHash("sha256")
    .update([seed, ...names].join("\u0000"))
    .digest();
  const next = xoshiro128(digest);
  const fraction = () => next() / 0x1_0000_0000;
  const between = (min: number, max: number) => min + fraction() * (max - min);
  return {
    fraction,
    between,
    chance: (probability) => fraction() < probability,
    pick: (items) => items[Math.floor(fraction() * items.length)] ?? items[0],
    normal: (mean, deviation) => {
      let sum = -6;
      for (let i = 0; i < 12; i += 1) sum += fraction();
      return mean + sum * deviation;
    },
    hex: (length) => {
      let text = "";
      while (text.length < length) text += next().toString(16).padStart(8, "0");
      return text.slice(0, length);
    },
  };
}

function xoshiro128(digest: Buffer): () => number {
  const state = new Uint32Array([
    digest.readUInt32LE(0),
    digest.readUInt32LE(4),
    digest.readUInt32LE(8),
    digest.readUInt32LE(12) | 1,
  ]);
  const at = (index: number) => state[index] as number;
  return () => {
    const result = Math.imul(rotateLeft(Math.imul(at(1), 5), 7), 9) >>> 0;
    const shifted = at(1) << 9;
    state[2] = at(2) ^ at(0);
    state[3] = at(3) ^ at(1);
    state[1] = at(1) ^ at(2);
    state[0] = at(0) ^ at(3);
    state[2] = at(2) ^ shifted;
    state[3] = rotateLeft(at(3), 11);
    return result;
  };
}

function rotateLeft(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits));
}
