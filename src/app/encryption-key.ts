// The key that encrypts carrier tokens at rest: the operator's, or one made at first start in the
// data directory. A key is never replaced: what it encrypted could not be read again.

import { randomBytes } from "node:crypto";
import {
  closeSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { parseEncryptionKey } from "./secret-box.ts";

const FILE_NAME = "encryption.key";
const KEY_BYTES = 32;

export interface EncryptionKey {
  readonly key: Uint8Array;
  /** The file the key was made in just now, or null. */
  readonly madeIn: string | null;
}

interface KeyPlaces {
  /** CARILLON_ENCRYPTION_KEY, or null. */
  readonly explicit: string | null;
  readonly dataDirectory: string;
}

/** The key, if there is one. @throws Error when the key file holds no key */
export function readEncryptionKey({ explicit, dataDirectory }: KeyPlaces): Uint8Array | null {
  if (explicit !== null) return parse(explicit, "CARILLON_ENCRYPTION_KEY");
  const path = join(dataDirectory, FILE_NAME);
  const existing = readIfThere(path);
  return existing === null ? null : parse(existing, path);
}

/** Keeps a key in a data directory that has none; answers the file. */
export function keepEncryptionKey(dataDirectory: string, key: Uint8Array): string {
  const path = join(dataDirectory, FILE_NAME);
  mkdirSync(dataDirectory, { recursive: true });
  if (!writeOnce(path, `${Buffer.from(key).toString("hex")}\n`))
    throw new Error(`${path} exists already.`);
  return path;
}

/** The key, made if there is none. @throws Error when the key file holds no key */
export function loadEncryptionKey(options: KeyPlaces): EncryptionKey {
  const existing = readEncryptionKey(options);
  if (existing !== null) return { key: existing, madeIn: null };
  const path = join(options.dataDirectory, FILE_NAME);
  mkdirSync(options.dataDirectory, { recursive: true });
  const isOurs = writeOnce(path, `${randomBytes(KEY_BYTES).toString("hex")}\n`);
  const text = readIfThere(path);
  if (text === null) throw new Error(`${path} could not be read back.`);
  return { key: parse(text, path), madeIn: isOurs ? path : null };
}

// Linking a finished file is atomic and fails when there is one: two first starts at once agree on
// one key.
function writeOnce(path: string, text: string): boolean {
  const draft = `${path}.${process.pid}.${randomBytes(4).toString("hex")}`;
  // On the disk before anything is encrypted with it: a power cut must not take the key alone.
  writeFileSync(draft, text, { mode: 0o600, flag: "wx", flush: true });
  try {
    linkSync(draft, path);
    flushDirectory(dirname(path));
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  } finally {
    rmSync(draft, { force: true });
  }
}

function flushDirectory(directory: string): void {
  const handle = openSync(directory, "r");
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

function readIfThere(path: string): string | null {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
}

function parse(text: string, where: string): Uint8Array {
  const key = parseEncryptionKey(text);
  if (key === null)
    throw new Error(
      `${where} holds no encryption key: 32 bytes as 64 hex ` + "characters or base64.",
    );
  return key;
}
