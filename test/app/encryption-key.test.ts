// The key at rest: made once, kept for ever, readable by its owner only.

import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { loadEncryptionKey } from "../../src/app/encryption-key.ts";

function emptyDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), "carillon-key-"));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  return directory;
}

test("the first start makes a key that only its owner can read, later ones find it", () => {
  const dataDirectory = join(emptyDirectory(), "data");
  const first = loadEncryptionKey({ explicit: null, dataDirectory });
  expect(first.key).toHaveLength(32);
  const path = join(dataDirectory, "encryption.key");
  expect(first.madeIn).toBe(path);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(readdirSync(dataDirectory)).toEqual(["encryption.key"]);
  const second = loadEncryptionKey({ explicit: null, dataDirectory });
  expect(second).toEqual({ key: first.key, madeIn: null });
});

test("the operator's own key is taken as hex or base64, and no file is made", () => {
  const dataDirectory = emptyDirectory();
  const bytes = Buffer.alloc(32, 7);
  for (const encoding of ["hex", "base64", "base64url"] as const) {
    const explicit = bytes.toString(encoding);
    const loaded = loadEncryptionKey({ explicit, dataDirectory });
    expect(Buffer.from(loaded.key).equals(bytes)).toBe(true);
  }
  expect(readdirSync(dataDirectory)).toEqual([]);
});

test("a damaged key file is refused by its name and never replaced", () => {
  const dataDirectory = emptyDirectory();
  const path = join(dataDirectory, "encryption.key");
  writeFileSync(path, "half a k");
  expect(() => loadEncryptionKey({ explicit: null, dataDirectory })).toThrow(
    `${path} holds no encryption key`,
  );
  expect(readFileSync(path, "utf8")).toBe("half a k");
});
