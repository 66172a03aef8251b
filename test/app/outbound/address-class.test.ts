// Which addresses deliveries may go to: a table, and an independent reading of the same rules.

import { isIPv4 } from "node:net";
import fc from "fast-check";
import { expect, test } from "vitest";
import { classifyAddress } from "../../../src/app/outbound/address-class.ts";
import "../../support/property-seed.ts";

test.each([
  ["8.8.8.8", "public"],
  ["1.1.1.1", "public"],
  ["172.15.255.255", "public"],
  ["172.32.0.0", "public"],
  ["100.63.255.255", "public"],
  ["100.128.0.0", "public"],
  ["2606:4700:4700::1111", "public"],
  ["2a00:1450:4009:81f::200e", "public"],
  ["127.0.0.1", "local"],
  ["127.255.255.255", "local"],
  ["10.0.0.1", "local"],
  ["172.16.0.1", "local"],
  ["172.31.255.255", "local"],
  ["192.168.1.1", "local"],
  ["100.64.0.1", "local"],
  // A cloud's metadata service inside carrier-grade NAT.
  ["100.100.100.200", "local"],
  ["::1", "local"],
  ["fd00:ec2::254", "local"],
  ["fc00::1", "local"],
  ["0.0.0.0", "reserved"],
  ["169.254.169.254", "reserved"],
  ["168.63.129.16", "reserved"],
  ["192.0.0.192", "reserved"],
  ["198.18.0.1", "reserved"],
  ["224.0.0.1", "reserved"],
  ["255.255.255.255", "reserved"],
  ["::", "reserved"],
  ["fe80::1", "reserved"],
  ["fe80::1%eth0", "reserved"],
  ["ff02::1", "reserved"],
  // IPv4 in IPv6's clothes: mapped, compatible, NAT64, 6to4, Teredo.
  ["::ffff:127.0.0.1", "reserved"],
  ["::ffff:7f00:1", "reserved"],
  ["::ffff:8.8.8.8", "reserved"],
  ["::127.0.0.1", "reserved"],
  ["64:ff9b::7f00:1", "reserved"],
  ["64:ff9b:1::a9fe:a9fe", "reserved"],
  ["2002:7f00:1::", "reserved"],
  ["2001:0:4136:e378:8000:63bf:3fff:fdd2", "reserved"],
  ["2001:db8::1", "reserved"],
  ["3fff::1", "reserved"],
  ["2130706433", "reserved"],
  ["0x7f.1", "reserved"],
  ["", "reserved"],
  ["localhost", "reserved"],
] as const)("%s is %s", (address, expected) => {
  expect(classifyAddress(address)).toBe(expected);
});

// The same rules a second time, by arithmetic.
function isSpecialV4(value: number): boolean {
  const within = (base: string, prefix: number): boolean => {
    const start = base.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
    const size = 2 ** (32 - prefix);
    return value >= start && value < start + size;
  };
  return (
    within("0.0.0.0", 8) ||
    within("10.0.0.0", 8) ||
    within("100.64.0.0", 10) ||
    within("127.0.0.0", 8) ||
    within("169.254.0.0", 16) ||
    within("172.16.0.0", 12) ||
    within("192.0.0.0", 24) ||
    within("192.0.2.0", 24) ||
    within("192.88.99.0", 24) ||
    within("192.168.0.0", 16) ||
    within("198.18.0.0", 15) ||
    within("198.51.100.0", 24) ||
    within("203.0.113.0", 24) ||
    value === 0xa83f8110 ||
    value >= 0xe0000000
  );
}

test("an IPv4 address is public exactly when no special range holds it", () => {
  const edges = [
    0x09ffffff, 0x0a000000, 0x7f000000, 0xa9fea9fe, 0xac100000, 0xac20_0000, 0xc0a80000,
  ];
  const near = fc.tuple(fc.constantFrom(...edges), fc.integer({ min: -3, max: 3 }));
  const value = fc.oneof(
    fc.integer({ min: 0, max: 0xffffffff }),
    near.map(([edge, step]) => edge + step),
  );
  fc.assert(
    fc.property(value, (number) => {
      const address = [24, 16, 8, 0].map((shift) => (number >>> shift) & 255).join(".");
      expect(classifyAddress(address) === "public").toBe(!isSpecialV4(number));
    }),
    { numRuns: 2_000 },
  );
});

test("no IPv6 address that wraps an IPv4 one is public, and none outside 2000::/3", () => {
  const wrapped = fc
    .tuple(fc.constantFrom("::ffff:", "::", "64:ff9b::", "::ffff:0:"), fc.ipV4())
    .map(([prefix, address]) => `${prefix}${address}`);
  fc.assert(
    fc.property(wrapped, (address) => {
      expect(classifyAddress(address)).not.toBe("public");
    }),
  );
  fc.assert(
    fc.property(fc.ipV6(), (address) => {
      if (classifyAddress(address) !== "public") return;
      expect(address).toMatch(/^[23]/);
    }),
  );
});

test("whatever text comes, nothing but an address is public", () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      if (classifyAddress(text) === "public") expect(isIPv4(text) || text.includes(":")).toBe(true);
    }),
  );
});
