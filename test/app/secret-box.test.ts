// Secrets at rest: sealed, told apart from damage, and never opened with another key.

import { expect, test } from "vitest";
import { createSecretBox, parseEncryptionKey } from "../../src/app/secret-box.ts";
import { seededRandom } from "../support/seeded-random.ts";

const key = new Uint8Array(32).fill(1);
const box = createSecretBox(key, seededRandom(1));

test("what goes in comes out, and never looks the same twice", () => {
  for (const text of ["", "token", "ключ 💥", "x".repeat(100_000)]) {
    expect(box.decrypt(box.encrypt(text))).toBe(text);
  }
  expect(Buffer.from(box.encrypt("token"))).not.toEqual(Buffer.from(box.encrypt("token")));
  expect(Buffer.from(box.encrypt("token")).includes("token")).toBe(false);
});

test("a box that was changed anywhere does not open", () => {
  const sealed = Buffer.from(box.encrypt("token"));
  for (let at = 0; at < sealed.length; at += 1) {
    const changed = Buffer.from(sealed);
    changed.writeUInt8(changed.readUInt8(at) ^ 1, at);
    expect(() => box.decrypt(changed), `byte ${at}`).toThrow(Error);
  }
  expect(() => box.decrypt(sealed.subarray(0, 20))).toThrow("not a secret");
  expect(() => box.decrypt(new Uint8Array())).toThrow("not a secret");
});

test("another key is told apart from damage", () => {
  const other = createSecretBox(new Uint8Array(32).fill(2), seededRandom(2));
  expect(() => other.decrypt(box.encrypt("token"))).toThrow("CARILLON_ENCRYPTION_KEY");
});

test("keys are 32 bytes in hex or base64", () => {
  expect(parseEncryptionKey("ab".repeat(32))).toHaveLength(32);
  expect(parseEncryptionKey(Buffer.from(key).toString("base64"))).toEqual(Buffer.from(key));
  for (const text of ["", "short", "zz".repeat(32), "ab".repeat(31), "a".repeat(42)]) {
    expect(parseEncryptionKey(text)).toBeNull();
  }
  expect(() => createSecretBox(new Uint8Array(16), seededRandom(1))).toThrow("32 bytes");
});
