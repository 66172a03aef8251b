// Names to addresses, for hosts that users gave. Not the system's resolver: that blocks one of a
// few threads per look-up, so that a hostile name server could hold up the carrier's look-ups too.
// So /etc/hosts is not read; localhost is known (RFC 6761).

import { Resolver } from "node:dns/promises";

/** @throws Error when no address can be found */
export type ResolveHost = (host: string) => Promise<readonly string[]>;

/** Two tries of this length stay inside the ten seconds of a delivery. */
const DNS_TIMEOUT_MS = 2_000;
const DNS_TRIES = 2;

export function createHostResolver(): ResolveHost {
  const resolver = new Resolver({ timeout: DNS_TIMEOUT_MS, tries: DNS_TRIES });
  return async (host) => {
    if (/(^|\.)localhost\.?$/i.test(host)) return ["127.0.0.1", "::1"];
    const [four, six] = await Promise.allSettled([
      resolver.resolve4(host),
      resolver.resolve6(host),
    ]);
    const addresses = [
      ...(four.status === "fulfilled" ? four.value : []),
      ...(six.status === "fulfilled" ? six.value : []),
    ];
    if (addresses.length > 0) return addresses;
    throw new Error(`no address is known for ${host}`, {
      cause: four.status === "rejected" ? four.reason : undefined,
    });
  };
}
