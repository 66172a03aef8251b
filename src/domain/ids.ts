// Ids as they appear in the API, the database and callback addresses. Dice come in as a parameter.

import type { Instant } from "./instant.ts";

/** Where random bytes come from; the Random port is one. */
export interface ByteSource {
  bytes(length: number): Uint8Array;
}

/** `batchcall_` + 16 hex (contract A.5). */
export function newCampaignId(random: ByteSource): string {
  return `batchcall_${hex(random.bytes(8))}`;
}

/** `agent_` + 16 hex (contract B.2.1). */
export function newAgentId(random: ByteSource): string {
  return `agent_${hex(random.bytes(8))}`;
}

/** `key_` + 32 hex. */
export function newKeyId(random: ByteSource): string {
  return `key_${hex(random.bytes(16))}`;
}

/** `req_` + 16 hex (contract B.2.8). */
export function newRequestId(random: ByteSource): string {
  return `req_${hex(random.bytes(8))}`;
}

/**
 * `call_` + 12 hex of the instant + 20 random hex: ids sort by time, so new calls share index
 * pages, and 80 random bits keep callback addresses unguessable.
 */
export function newCallId(now: Instant, random: ByteSource): string {
  return `call_${Math.floor(now).toString(16).padStart(12, "0")}${hex(random.bytes(10))}`;
}

/** An id of a row that is not part of the contract: `<prefix>_` + 16 hex. */
export function newRowId(
  prefix: "acct" | "erasure" | "msg" | "num" | "proc" | "sup",
  random: ByteSource,
): string {
  return `${prefix}_${hex(random.bytes(8))}`;
}

/**
 * Key secrets are 48 letters and digits: 62^48 is far beyond guessing, and nothing in them needs
 * quoting anywhere.
 */
const SECRET_LENGTH = 48;
const SECRET_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/** An alphanumeric secret (API secrets, operator token). */
export function newSecret(random: ByteSource): string {
  let secret = "";
  while (secret.length < SECRET_LENGTH) {
    for (const byte of random.bytes(SECRET_LENGTH)) {
      // 248 = 4 × 62: a byte above it would make the first letters likelier.
      if (byte < 248 && secret.length < SECRET_LENGTH) secret += SECRET_ALPHABET[byte % 62];
    }
  }
  return secret;
}

/** 32 random bytes the way Standard Webhooks writes a symmetric secret: `whsec_` + base64. */
export function newWebhookSecret(random: ByteSource): string {
  return `whsec_${btoa(String.fromCharCode(...random.bytes(32)))}`;
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
