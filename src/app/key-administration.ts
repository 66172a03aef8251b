// The operator's work on API keys from the command line: the same rows as POST /v1/keys.

import { newKeyId, newSecret } from "../domain/ids.ts";
import { hashSecret } from "../http/secret-hash.ts";
import {
  createApiKey,
  listApiKeys,
  replaceApiKeySecret,
  revokeApiKey,
  type ApiKeyRow,
} from "../store/api-keys.ts";
import type { Config } from "./config.ts";
import { withStore } from "./open-store.ts";
import { systemRandom } from "./system-random.ts";

export interface NewKeyOptions {
  readonly name: string | null;
  readonly concurrentCallLimit: number;
  readonly allowedCountries: readonly string[] | null;
  readonly maxCallsPerDay: number | null;
}

type Notify = (notice: string) => void;

/** Makes a key and answers it with its secret, which is shown this once. */
export function createKey(
  config: Config,
  onNotice: Notify,
  options: NewKeyOptions,
): Promise<{ readonly keyId: string; readonly keySecret: string }> {
  return withStore(config, onNotice, async (database) => {
    const keySecret = newSecret(systemRandom);
    const key = await createApiKey(database, {
      id: newKeyId(systemRandom),
      secretHash: hashSecret(keySecret),
      createdAt: Date.now(),
      // Set over the API, where its three periods have names.
      maxCallsPerRecipient: null,
      ...options,
    });
    return { keyId: key.id, keySecret };
  });
}

export function listKeys(config: Config, onNotice: Notify): Promise<readonly ApiKeyRow[]> {
  return withStore(config, onNotice, (database) => listApiKeys(database));
}

/** A new secret for a key; the old one is dead at once. null: unknown or revoked. */
export function rotateKey(config: Config, onNotice: Notify, keyId: string): Promise<string | null> {
  return withStore(config, onNotice, async (database) => {
    const secret = newSecret(systemRandom);
    const key = await replaceApiKeySecret(database, keyId, hashSecret(secret), Date.now());
    return key === null ? null : secret;
  });
}

/** Answers false for an unknown key. */
export function revokeKey(config: Config, onNotice: Notify, keyId: string): Promise<boolean> {
  return withStore(
    config,
    onNotice,
    async (database) => (await revokeApiKey(database, keyId, Date.now())) !== null,
  );
}
