// Encrypts secrets that must be read again (carrier tokens, signing secrets) with AES-256-GCM. A
// box is version (1 byte) · key id (4) · nonce (12) · tag (16) · ciphertext. The key id says which
// key wrote it, so that a wrong CARILLON_ENCRYPTION_KEY is told apart from damage. Never logs or
// throws what it holds.

import { createCipheriv, createDecipheriv, createHash, createHmac } from "node:crypto";

import type { Random } from "../ports/random.ts";

export interface SecretBox {
  encrypt(text: string): Uint8Array;
  /** @throws Error when the box was written with another key, or was changed. */
  decrypt(box: Uint8Array): string;
  /** Tells equal texts, to nobody without the key. The same text has the same digest always. */
  digest(text: string): Uint8Array;
}

const VERSION = 1;
const KEY_BYTES = 32;
const KEY_ID_BYTES = 4;
// 96 bits, drawn anew for every box: what GCM is made for. A repeat becomes likely only after
// billions of boxes.
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const HEADER_BYTES = 1 + KEY_ID_BYTES;

/**
 * @param key 32 bytes; see parseEncryptionKey.
 */
export function createSecretBox(key: Uint8Array, random: Pick<Random, "bytes">): SecretBox {
  if (key.length !== KEY_BYTES) throw new RangeError(`an encryption key has ${KEY_BYTES} bytes`);
  const header = Buffer.concat([Buffer.of(VERSION), Buffer.from(keyIdOf(key), "hex")]);
  return {
    encrypt: (text) => {
      const nonce = random.bytes(NONCE_BYTES);
      const cipher = createCipheriv("aes-256-gcm", key, nonce, { authTagLength: TAG_BYTES });
      cipher.setAAD(header);
      const sealed = Buffer.concat([cipher.update(text, "utf8"), cipher.final()]);
      return Buffer.concat([header, nonce, cipher.getAuthTag(), sealed]);
    },
    digest: (text) =>
      createHmac("sha256", Buffer.concat([Buffer.from("carillon digest"), key]))
        .update(text)
        .digest(),
    decrypt: (box) => {
      const bytes = Buffer.from(box.buffer, box.byteOffset, box.byteLength);
      if (bytes.length < HEADER_BYTES + NONCE_BYTES + TAG_BYTES || bytes[0] !== VERSION) {
        throw new Error("not a secret that this version wrote");
      }
      if (!bytes.subarray(0, HEADER_BYTES).equals(header)) {
        throw new Error("encrypted with another key: CARILLON_ENCRYPTION_KEY has changed");
      }
      const nonce = bytes.subarray(HEADER_BYTES, HEADER_BYTES + NONCE_BYTES);
      const tagEnd = HEADER_BYTES + NONCE_BYTES + TAG_BYTES;
      const decipher = createDecipheriv("aes-256-gcm", key, nonce, { authTagLength: TAG_BYTES });
      decipher.setAAD(header);
      decipher.setAuthTag(bytes.subarray(HEADER_BYTES + NONCE_BYTES, tagEnd));
      return Buffer.concat([decipher.update(bytes.subarray(tagEnd)), decipher.final()]).toString(
        "utf8",
      );
    },
  };
}

/** Names a key without telling it, in hex: every box says which key wrote it. */
export function keyIdOf(key: Uint8Array): string {
  const digest = createHash("sha256").update("carillon key id").update(key).digest();
  return digest.subarray(0, KEY_ID_BYTES).toString("hex");
}

/** Which key wrote a box. */
export function readKeyId(box: Uint8Array): string {
  return Buffer.from(box.subarray(1, HEADER_BYTES)).toString("hex");
}

/** Reads a key written as 64 hex characters or as base64 of 32 bytes; null: it is neither. */
export function parseEncryptionKey(text: string): Uint8Array | null {
  const trimmed = text.trim();
  if (/^[0-9a-fA-F]{64}$/.test(trimmed)) return Buffer.from(trimmed, "hex");
  if (!/^[A-Za-z0-9+/_-]{43}=?$/.test(trimmed)) return null;
  const bytes = Buffer.from(trimmed, "base64url");
  return bytes.length === KEY_BYTES ? bytes : null;
}
