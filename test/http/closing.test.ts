// A server that closes: what arrives on a connection that is already open is answered like any
// other request, and the connection is closed with it.

import { connect } from "node:net";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { expect, test } from "vitest";
import { testDatabase } from "../support/test-database.ts";
import { testServer } from "./test-server.ts";

test("a request on an open connection is answered while the server closes", async () => {
  const { app } = await testServer(await testDatabase());
  await app.listen({ port: 0, host: "127.0.0.1" });
  const { port } = app.server.address() as AddressInfo;
  const socket = connect(port, "127.0.0.1");
  const heard = text(socket);
  const arrived = once(app.server, "request");
  socket.write(
    "POST /v1/nothing HTTP/1.1\r\nhost: here\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n",
  );
  await arrived;
  const closed = app.close();
  socket.write("{}GET /v1/agents HTTP/1.1\r\nhost: here\r\n\r\n");
  const answers = (await heard).split(/(?=HTTP\/1\.1 )/);
  await closed;
  expect(answers.map((answer) => answer.slice(9, 12))).toEqual(["404", "401"]);
  expect(answers[1]).toMatch(/^connection: close\r$/im);
  expect(answers[1]).toContain('"code":"unauthorized"');
});
