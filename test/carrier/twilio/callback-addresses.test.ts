// Addresses under the public URL: call and dial in every path, overrides only in the fragment.

import { expect, test } from "vitest";

import {
  addressOfPath,
  callbackAddresses,
  parseDialReference,
} from "../../../src/carrier/twilio/callback-addresses.ts";

const callId = "call_0192f3a4b5c60123456789abcdef0123";

test("every address names the call and the dial", () => {
  const addresses = callbackAddresses("https://calls.example.com", { callId, dialNumber: 2 });
  expect(addresses).toEqual({
    status: `https://calls.example.com/twilio/calls/${callId}/2/status#rc=5&rp=ct,rt,5xx&rt=4000`,
    amd: `https://calls.example.com/twilio/calls/${callId}/2/amd#rc=5&rp=ct,rt,5xx&rt=4000`,
    connectAction: `https://calls.example.com/twilio/calls/${callId}/2/connect-action#rc=2&rp=ct,rt,5xx&rt=5000`,
    transferAction: `https://calls.example.com/twilio/calls/${callId}/2/transfer-action#rc=2&rp=ct,rt,5xx&rt=5000`,
    recording: `https://calls.example.com/twilio/calls/${callId}/2/recording#rc=5&rp=ct,rt,5xx&rt=4000`,
    relay: `wss://calls.example.com/twilio/relay/${callId}/2`,
  });
});

test.each([
  ["http://127.0.0.1:8080", "ws://127.0.0.1:8080/twilio/relay/"],
  ["https://example.com/carillon/", "wss://example.com/carillon/twilio/relay/"],
  ["https://example.com///", "wss://example.com/twilio/relay/"],
])("the relay of %s starts with %s", (publicUrl, start) => {
  expect(callbackAddresses(publicUrl, { callId, dialNumber: 1 }).relay).toBe(`${start}${callId}/1`);
});

test("a requested path becomes the address that was signed", () => {
  const path = `/twilio/calls/${callId}/1/status?x=%20&y='`;
  expect(addressOfPath("https://example.com/", "request", path)).toBe(`https://example.com${path}`);
  expect(addressOfPath("https://example.com", "socket", "/s")).toBe("wss://example.com/s");
});

test.each([
  [callId, "1", { callId, dialNumber: 1 }],
  [callId, "9999", { callId, dialNumber: 9999 }],
  [callId, "0", null],
  [callId, "01", null],
  [callId, "10000", null],
  [callId, "1.5", null],
  [callId, "", null],
  ["call_0192F3A4B5C60123456789ABCDEF0123", "1", null],
  ["call_1", "1", null],
  [`${callId}0`, "1", null],
  ["call_0192f3a4b5c60123456789abcdef012'", "1", null],
])("parameters %s and %s are read as %j", (id, dialNumber, reference) => {
  expect(parseDialReference(id, dialNumber)).toEqual(reference);
});
