// Opens connections to allowed addresses only. The name is resolved here, every address it has is
// judged, and the connection goes to one of those very addresses: a name that answers differently
// the next time (DNS rebinding) changes nothing. The peer of the open socket is judged once more
// before a byte of the request is written.

import type { LookupAddress } from "node:dns";
import { isIP, type LookupFunction } from "node:net";
import { callbackify } from "node:util";
import { buildConnector } from "undici";
import { classifyAddress } from "./address-class.ts";
import type { ResolveHost } from "./resolve-host.ts";

/** TCP and TLS, and the look-up before them. */
const CONNECT_TIMEOUT_MS = 5_000;

/** The address may not be sent to; nothing was. */
export class ForbiddenAddressError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "ForbiddenAddressError";
  }
}

export interface ConnectorOptions {
  readonly allowLocal: boolean;
  readonly resolve: ResolveHost;
}

export function createGuardedConnector(options: ConnectorOptions): buildConnector.connector {
  const connect = buildConnector({
    timeout: CONNECT_TIMEOUT_MS,
    allowH2: false,
    autoSelectFamily: true,
    lookup: guardedLookup(options),
  });
  return (target, callback) => {
    const host = target.hostname.replace(/^\[|\]$/g, "");
    // Sockets do not look up what already is an address.
    if (isIP(host) !== 0 && !isAllowed(host, options.allowLocal)) {
      callback(forbidden(host), null);
      return;
    }
    connect(target, (...answer) => {
      const [error, socket] = answer;
      if (error !== null || socket === null) return callback(...answer);
      const peer = socket.remoteAddress ?? "";
      if (isAllowed(peer, options.allowLocal)) return callback(null, socket);
      socket.destroy();
      return callback(forbidden(host), null);
    });
  };
}

// Always all addresses at once: the connector asks so (autoSelectFamily).
function guardedLookup({ allowLocal, resolve }: ConnectorOptions): LookupFunction {
  return callbackify(async (host: string, _options: object): Promise<LookupAddress[]> => {
    const addresses = await resolve(host);
    // One private address among public ones is no accident.
    if (addresses.some((address) => !isAllowed(address, allowLocal))) throw forbidden(host);
    return addresses.map((address) => ({ address, family: isIP(address) }));
  });
}

function isAllowed(address: string, allowLocal: boolean): boolean {
  const kind = classifyAddress(address);
  return kind === "public" || (allowLocal && kind === "local");
}

// Not which address: what a name points to inside the operator's network is nobody's business.
function forbidden(host: string): ForbiddenAddressError {
  return new ForbiddenAddressError(`${host} is not an address of the public internet`);
}
