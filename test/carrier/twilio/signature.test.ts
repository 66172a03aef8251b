// Signatures: made here from the rule of twilio.md §3.4, by hand, and accepted by the SDK's
// validator.

import { createHmac } from "node:crypto";

import fc from "fast-check";
import { expect, test } from "vitest";

import { isSignedBy } from "../../../src/carrier/twilio/signature.ts";

const address = "https://example.com/twilio/calls/call_1/1/status?x=1";

function sign(token: string, url: string, fields: Readonly<Record<string, string | string[]>>) {
  const names = Object.keys(fields).toSorted((a, b) => (a < b ? -1 : 1));
  const text = names.flatMap((name) => {
    const value = fields[name] ?? "";
    const values = Array.isArray(value) ? [...new Set(value)].toSorted() : [value];
    return values.map((each) => name + each);
  });
  return createHmac("sha1", token)
    .update(url + text.join(""), "utf8")
    .digest("base64");
}

const fields = { CallSid: "CA1", CallStatus: "ringing", Empty: "", To: "+12025550123", ä: "ß" };

test("what the account's token signed is accepted", () => {
  const signature = sign("token", address, fields);
  expect(isSignedBy({ address, signature, parameters: fields }, ["token"])).toBe(true);
});

test("old and new token both count, no other does", () => {
  const signature = sign("old", address, fields);
  const request = { address, signature, parameters: fields };
  expect(isSignedBy(request, ["new", "old"])).toBe(true);
  expect(isSignedBy(request, ["new"])).toBe(false);
  expect(isSignedBy(request, [])).toBe(false);
});

test("a repeated field counts once each, sorted", () => {
  const parameters = { E: ["b", "a", "b"], A: "1" };
  const signature = sign("token", address, parameters);
  expect(isSignedBy({ address, signature, parameters }, ["token"])).toBe(true);
});

test("any change of address, field or signature is refused", () => {
  const signature = sign("token", address, fields);
  const good = { address, signature, parameters: fields };
  for (const bad of [
    { ...good, address: `${address}2` },
    { ...good, address: address.replace("example.com", "example.org") },
    { ...good, parameters: { ...fields, CallStatus: "completed" } },
    { ...good, parameters: { ...fields, Extra: "x" } },
    { ...good, signature: signature.replace(/^./, (first) => (first === "A" ? "B" : "A")) },
    { ...good, signature: "" },
    { ...good, signature: undefined },
    { ...good, signature: "x".repeat(10_000) },
  ]) {
    expect(isSignedBy(bad, ["token"])).toBe(false);
  }
});

test("a socket's upgrade is signed over its wss address without parameters", () => {
  const socket = "wss://example.com/twilio/relay/call_1/1";
  const signature = sign("token", socket, {});
  expect(isSignedBy({ address: socket, signature, parameters: {} }, ["token"])).toBe(true);
  const https = socket.replace("wss", "https");
  expect(isSignedBy({ address: https, signature, parameters: {} }, ["token"])).toBe(false);
});

test("a local ws address keeps its port", () => {
  const socket = "ws://127.0.0.1:8080/twilio/relay/call_1/1";
  const signature = sign("token", socket, {});
  expect(isSignedBy({ address: socket, signature, parameters: {} }, ["token"])).toBe(true);
});

test("whatever the fields hold, the right token signs them and a wrong one does not", () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.string()), (any) => {
      const signature = sign("token", address, any);
      const request = { address, signature, parameters: any };
      expect(isSignedBy(request, ["token"])).toBe(true);
      expect(isSignedBy(request, ["other"])).toBe(false);
    }),
  );
});
