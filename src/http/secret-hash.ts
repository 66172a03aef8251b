// API secrets and the operator's token are kept as SHA-256 and nothing else. A slow password hash
// would buy nothing: secrets are 48 random letters and digits (286 bits), so nobody guesses their
// way back from the hash, and every request would pay for it.

import { createHash, timingSafeEqual } from "node:crypto";

export function hashSecret(secret: string): Uint8Array {
  return createHash("sha256").update(secret, "utf8").digest();
}

/**
 * Compares in constant time. A missing hash is compared too, so that unknown keys take as long as
 * wrong secrets.
 */
export function matchesHash(secret: string, hash: Uint8Array | null): boolean {
  const same = timingSafeEqual(hashSecret(secret), hash ?? NOBODYS_HASH);
  return same && hash !== null;
}

const NOBODYS_HASH = new Uint8Array(32);
