// Against servers that misbehave, on this machine.

import { afterEach, describe, expect, onTestFinished, test } from "vitest";
import { createHttpOutbound, type HttpOutbound } from "../../../src/app/outbound/http-outbound.ts";
import type { ResolveHost } from "../../../src/app/outbound/resolve-host.ts";
import type { OutboundOutcome } from "../../../src/ports/outbound.ts";
import { answer, startRawServer, type Behaviour } from "../../carrier/twilio/raw-http-server.ts";
import { waitFor } from "../../support/wait-for.ts";

const open: HttpOutbound[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((each) => each.close()));
});

function outbound(allowLocal: boolean, resolve?: ResolveHost): HttpOutbound {
  const made = createHttpOutbound({
    allowLocal,
    userAgent: "Carillon/0",
    ...(resolve === undefined ? {} : { resolve }),
  });
  open.push(made);
  return made;
}

function post(target: HttpOutbound, url: string, timeoutMs = 10_000): Promise<OutboundOutcome> {
  const headers = { "content-type": "application/json" };
  return target.send({ url, method: "POST", headers, body: '{"a":"ü"}', timeoutMs });
}

async function server(behave: Behaviour) {
  const started = await startRawServer(behave);
  onTestFinished(() => started.close());
  return started;
}

describe("where it may go", () => {
  test.each([
    "http://hooks.example.com/",
    "ftp://hooks.example.com/",
    "file:///etc/passwd",
    "not an address",
    "",
    "https://user:secret@hooks.example.com/",
  ])("%s is forbidden whatever it resolves to", async (url) => {
    const asked: string[] = [];
    const target = outbound(false, async (host) => {
      asked.push(host);
      return ["8.8.8.8"];
    });
    expect(await post(target, url)).toMatchObject({ kind: "forbidden" });
    expect(asked).toEqual([]);
  });

  test.each([
    "https://127.0.0.1/",
    "https://127.1/",
    "https://2130706433/",
    "https://0x7f000001/",
    "https://0177.0.0.1/",
    "https://0/",
    "https://[::1]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:7f00:1]/",
    "https://[fe80::1]/",
    "https://169.254.169.254/latest/meta-data/",
    "https://[fd00:ec2::254]/",
    "https://10.0.0.1/",
    "https://100.64.0.1/",
    "https://localhost/",
    "https://localhost./",
    "https://a.localhost/",
    "https://１２７.０.０.１/",
  ])("%s is forbidden", async (url) => {
    expect(await post(outbound(false), url)).toMatchObject({ kind: "forbidden" });
  });

  test.each([
    [["127.0.0.1"]],
    [["8.8.8.8", "10.0.0.7"]],
    [["::ffff:10.0.0.7"]],
    [["64:ff9b::a00:7"]],
    [["169.254.169.254"]],
  ])(
    "a name that resolves to %j is forbidden, and the answer does not say to what",
    async (ips) => {
      const outcome = await post(
        outbound(false, async () => ips),
        "https://hooks.example.com/",
      );
      expect(outcome).toEqual({
        kind: "forbidden",
        reason: "hooks.example.com is not an address of the public internet",
      });
    },
  );

  test("metadata addresses stay forbidden where local ones are allowed", async () => {
    for (const url of ["http://169.254.169.254/", "http://[fe80::1]/", "http://0.0.0.0/"]) {
      expect(await post(outbound(true), url)).toMatchObject({ kind: "forbidden" });
    }
  });

  test("the connection goes to the address that was judged: the name is asked once", async () => {
    const { port, requests } = await server((_request, socket) => answer(socket, 200, {}));
    let asked = 0;
    const target = outbound(true, async () => {
      asked += 1;
      return asked === 1 ? ["127.0.0.1"] : ["169.254.169.254"];
    });
    expect(await post(target, `http://hooks.example.com:${port}/in?x=1`)).toMatchObject({
      kind: "answered",
      status: 200,
    });
    expect(asked).toBe(1);
    expect(requests[0]?.path).toBe("/in?x=1");
    expect(requests[0]?.text).toContain(`host: hooks.example.com:${port}`);
    expect(requests[0]?.text).toContain("user-agent: Carillon/0");
    expect(requests[0]?.body).toBe('{"a":"ü"}');
  });

  test("a name that turns private between two deliveries is forbidden at the second", async () => {
    const { port } = await server((_request, socket) => {
      answer(socket, 200, {}, "connection: close\r\n");
    });
    const answers = [["127.0.0.1"], ["169.254.169.254"]];
    const target = outbound(true, async () => answers.shift() ?? []);
    const url = `http://hooks.example.com:${port}/`;
    expect(await post(target, url)).toMatchObject({ kind: "answered" });
    expect(await post(target, url)).toMatchObject({ kind: "forbidden" });
  });
});

describe("what may come back", () => {
  test("a redirect is an answer and is not followed", async () => {
    const { origin, requests } = await server((_request, socket) => {
      answer(socket, 302, {}, "location: http://169.254.169.254/\r\n");
    });
    expect(await post(outbound(true), origin)).toMatchObject({ kind: "answered", status: 302 });
    expect(requests).toHaveLength(1);
  });

  test("an endless body is cut at 64 KiB and its connection closed", async () => {
    const endless = await server((_request, socket) => {
      socket.write("HTTP/1.1 200 X\r\ntransfer-encoding: chunked\r\n\r\n");
      const more = (): void => {
        if (socket.destroyed) return;
        socket.write(`4000\r\n${"x".repeat(0x4000)}\r\n`);
        setImmediate(more);
      };
      more();
    });
    const outcome = await post(outbound(true), endless.origin);
    expect(outcome).toMatchObject({ kind: "answered", status: 200 });
    expect(outcome.kind === "answered" && outcome.body.length).toBe(64 * 1024);
    await waitFor(() => endless.openConnections() === 0, { describe: "the connection to close" });
  });

  test("a body that dribbles is cut by the time in all", async () => {
    const { origin } = await server((_request, socket) => {
      socket.write("HTTP/1.1 200 X\r\ncontent-length: 1000\r\n\r\nx");
    });
    expect(await post(outbound(true), origin, 100)).toEqual({
      kind: "failed",
      reason: "no whole answer within 100 ms",
    });
  });

  test("silence is cut by the time in all", async () => {
    const { origin } = await server(() => {});
    expect(await post(outbound(true), origin, 100)).toMatchObject({ kind: "failed" });
  });

  test("a name server that never answers is cut by the time in all", async () => {
    const target = outbound(true, () => new Promise(() => {}));
    expect(await post(target, "http://hooks.example.com/", 100)).toMatchObject({ kind: "failed" });
  });

  test("too many headers fail", async () => {
    const { origin } = await server((_request, socket) => {
      answer(socket, 200, {}, `x-long: ${"x".repeat(20_000)}\r\n`);
    });
    expect(await post(outbound(true), origin)).toMatchObject({ kind: "failed" });
  });

  test.each([
    ["a closed door", (socket: { destroy(): void }) => socket.destroy()],
    [
      "no HTTP at all",
      (socket: { write(text: string): unknown }) => socket.write("SSH-2.0-x\r\n\r\n"),
    ],
  ])("%s fails and throws nothing", async (_name, behave) => {
    const { origin } = await server((_request, socket) => void behave(socket));
    expect(await post(outbound(true), origin, 2_000)).toMatchObject({ kind: "failed" });
  });

  test("nobody listening fails, and so does a header that is none", async () => {
    const gone = await startRawServer(() => {});
    await gone.close();
    expect(await post(outbound(true), gone.origin)).toMatchObject({ kind: "failed" });
    const broken = await outbound(true).send({
      url: gone.origin,
      method: "POST",
      headers: { "x-bad": "a\r\nx-injected: 1" },
      body: null,
      timeoutMs: 1_000,
    });
    expect(broken).toMatchObject({ kind: "failed" });
  });
});
