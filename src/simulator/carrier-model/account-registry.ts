// The accounts of one simulator run, found by id and by credentials.

import type { Account } from "./account.ts";

// Bounds memory against a script that configures accounts in a loop.
const MAX_ACCOUNTS = 10_000;

export class AccountRegistry {
  readonly #accounts = new Map<string, Account>();

  /**
   * Adds an account or replaces the one with the same id. @throws RangeError when there are too
   * many.
   */
  put(account: Account): void {
    if (!this.#accounts.has(account.sid) && this.#accounts.size >= MAX_ACCOUNTS) {
      throw new RangeError(`a simulator holds at most ${MAX_ACCOUNTS} accounts`);
    }
    this.#accounts.set(account.sid, account);
  }

  find(sid: string): Account | null {
    return this.#accounts.get(sid) ?? null;
  }

  list(): Account[] {
    return [...this.#accounts.values()];
  }

  /** The account whose credentials stand in an Authorization header; null when there is none. */
  authenticate(authorization: string | undefined): Account | null {
    const match = /^Basic\s+([A-Za-z0-9+/=_-]+)$/i.exec(authorization ?? "");
    if (match?.[1] === undefined) return null;
    const decoded = Buffer.from(match[1], "base64").toString("utf8");
    const colon = decoded.indexOf(":");
    if (colon === -1) return null;
    const account = this.find(decoded.slice(0, colon));
    return account !== null && account.authToken === decoded.slice(colon + 1) ? account : null;
  }
}
