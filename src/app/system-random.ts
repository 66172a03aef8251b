// The Random port in production: the system's secure source.

import { randomBytes } from "node:crypto";
import type { Random } from "../ports/random.ts";

// 48 bits fit a double exactly.
const FRACTION_BYTES = 6;

export const systemRandom: Random = {
  bytes: (length) => randomBytes(length),
  fraction: () =>
    randomBytes(FRACTION_BYTES).readUIntBE(0, FRACTION_BYTES) / 2 ** (8 * FRACTION_BYTES),
};
