// Asking for an erasure and reading its receipt, which never holds the phone.

import { afterAll, expect, test } from "vitest";
import { testDatabase } from "../support/test-database.ts";
import { nextPhone, testServer } from "./test-server.ts";

const db = await testDatabase();
const server = await testServer(db);
afterAll(() => server.app.close());

test("a receipt is given at once, to the key that asked and nobody else", async () => {
  const tenant = await server.tenant();
  const stranger = await server.tenant();
  const phone = nextPhone();
  const asked = await tenant.ask("POST", "/v1/erasures", { phone });
  expect(asked.status, asked.text).toBe(202);
  expect(asked.body).toMatchObject({ scope: "key", status: "pending", counts: {} });
  expect(asked.text).not.toContain(phone.slice(1));
  const again = await tenant.ask("POST", "/v1/erasures", { phone });
  expect(again.body.erasure_id).toBe(asked.body.erasure_id);

  const path = `/v1/erasures/${asked.body.erasure_id}`;
  expect((await tenant.ask("GET", path)).body).toEqual(asked.body);
  expect((await tenant.ask("GET", "/v1/erasures")).body.erasures).toEqual([asked.body]);
  expect((await stranger.ask("GET", path)).status).toBe(404);
  expect((await stranger.ask("GET", "/v1/erasures")).body.erasures).toEqual([]);
  expect((await server.operator("GET", path)).status).toBe(404);
});

test("the operator's is over all keys, and a phone that is none is refused", async () => {
  const asked = await server.operator("POST", "/v1/erasures", { phone: nextPhone() });
  expect(asked.body).toMatchObject({ scope: "installation", status: "pending" });
  const refused = await server.operator("POST", "/v1/erasures", { phone: "12" });
  expect(refused.body.error.code).toBe("invalid_phone_format");
});
