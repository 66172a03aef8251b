// What kind of place an IP address is. Only addresses of the public internet may be sent to;
// everything that could reach the operator's own machines, or a cloud's metadata, may not. IPv6 is
// an allow-list: of 2000::/3, and of that without the ranges that wrap an IPv4 address.

import { BlockList, isIPv4, isIPv6 } from "node:net";

export type AddressClass =
  /** On the public internet. */
  | "public"
  /** This machine or a private network: for development, where the operator allows it. */
  | "local"
  /** Link-local (cloud metadata), multicast, reserved, wrapped or no address at all: never. */
  | "reserved";

type Range = readonly [address: string, prefix: number];

/** Loopback, RFC 1918, carrier-grade NAT (RFC 6598) and unique local addresses (RFC 4193). */
const LOCAL_V4: readonly Range[] = [
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["172.16.0.0", 12],
  ["192.168.0.0", 16],
];
const LOCAL_V6: readonly Range[] = [
  ["::1", 128],
  ["fc00::", 7],
];

/** IANA's special-purpose registry for IPv4, and one address that a cloud serves its secrets on. */
const RESERVED_V4: readonly Range[] = [
  ["0.0.0.0", 8],
  // Link-local: 169.254.169.254 is the metadata service of most clouds.
  ["169.254.0.0", 16],
  ["192.0.0.0", 24],
  ["192.0.2.0", 24],
  ["192.88.99.0", 24],
  ["198.18.0.0", 15],
  ["198.51.100.0", 24],
  ["203.0.113.0", 24],
  // Multicast, and everything above it up to broadcast.
  ["224.0.0.0", 4],
  ["240.0.0.0", 4],
  // Azure's virtual public address of the host behind every machine.
  ["168.63.129.16", 32],
];

const GLOBAL_V6: readonly Range[] = [["2000::", 3]];
/** Inside 2000::/3, and yet not a place: protocol assignments (Teredo), examples, 6to4. */
const RESERVED_V6: readonly Range[] = [
  ["2001::", 23],
  ["2001:db8::", 32],
  ["2002::", 16],
  ["3fff::", 20],
];

const localV4 = listOf(LOCAL_V4, "ipv4");
const reservedV4 = listOf(RESERVED_V4, "ipv4");
const localV6 = listOf(LOCAL_V6, "ipv6");
const globalV6 = listOf(GLOBAL_V6, "ipv6");
const reservedV6 = listOf(RESERVED_V6, "ipv6");

/**
 * @param address in text, as a resolver or a socket gives it. Anything else, an address with a
 * scope (`fe80::1%eth0`) and an IPv4 address inside an IPv6 one (`::ffff:127.0.0.1`) are
 * `reserved`.
 */
export function classifyAddress(address: string): AddressClass {
  if (isIPv4(address)) {
    if (localV4.check(address, "ipv4")) return "local";
    return reservedV4.check(address, "ipv4") ? "reserved" : "public";
  }
  if (!isIPv6(address) || address.includes("%")) return "reserved";
  if (localV6.check(address, "ipv6")) return "local";
  const isPublic = globalV6.check(address, "ipv6") && !reservedV6.check(address, "ipv6");
  return isPublic ? "public" : "reserved";
}

function listOf(ranges: readonly Range[], family: "ipv4" | "ipv6"): BlockList {
  const list = new BlockList();
  for (const [address, prefix] of ranges) list.addSubnet(address, prefix, family);
  return list;
}
