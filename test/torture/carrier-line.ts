// The line from one server to its carrier, as HTTP: it sees every create when its last byte has
// been written by the server and every answer before its first byte reaches it, and can strike in
// exactly these moments. It is evidence from outside: the product knows nothing of it.

import type { NetConnectOpts } from "node:net";
import { openTcpProxy, type ProxyLink, type TcpProxy } from "./tcp-proxy.ts";

/** One create that a server wrote. Instants are of this process's monotonic clock. */
export interface SeenCreate {
  readonly to: string;
  readonly writtenAt: number;
  /** False: it was taken off the line, so the carrier never had it. */
  isForwarded: boolean;
  answeredAt: number | null;
  /** HTTP status; null: no answer came. */
  status: number | null;
  carrierCallId: string | null;
}

export interface CarrierLineWatcher {
  /** False: the carrier never gets it. */
  createWritten(create: SeenCreate): boolean;
  /** Called before the server gets the answer. */
  createAnswered(create: SeenCreate): void;
}

interface LinkState {
  request: Buffer;
  answer: Buffer;
  create: SeenCreate | null;
}

const HEAD_END = "\r\n\r\n";
const CREATE = /^POST \S+\/Calls\.json[ ?]/;

export function openCarrierLine(
  target: () => NetConnectOpts | null,
  watcher: CarrierLineWatcher,
): Promise<TcpProxy> {
  const states = new Map<ProxyLink, LinkState>();
  const stateOf = (link: ProxyLink): LinkState => {
    const known = states.get(link);
    if (known !== undefined) return known;
    const fresh = { request: Buffer.alloc(0), answer: Buffer.alloc(0), create: null };
    states.set(link, fresh);
    return fresh;
  };
  return openTcpProxy(target, {
    towardsTarget: (link, chunk) => {
      const state = stateOf(link);
      state.request = Buffer.concat([state.request, chunk]);
      const whole = readMessage(state.request);
      if (whole === null) return null;
      const { request } = state;
      state.request = Buffer.alloc(0);
      state.answer = Buffer.alloc(0);
      state.create = createOf(whole);
      if (state.create === null) return request;
      state.create.isForwarded = watcher.createWritten(state.create);
      return state.create.isForwarded ? request : null;
    },
    towardsClient: (link, chunk) => {
      const state = stateOf(link);
      if (state.create === null) return chunk;
      state.answer = Buffer.concat([state.answer, chunk]);
      const whole = readMessage(state.answer);
      if (whole === null) return null;
      const { answer, create } = state;
      state.answer = Buffer.alloc(0);
      state.create = null;
      create.answeredAt = performance.now();
      create.status = Number(/^HTTP\/1\.1 (\d{3})/.exec(whole.head)?.[1] ?? 0);
      create.carrierCallId = /"sid":"(CA[0-9a-f]{32})"/.exec(whole.body)?.[1] ?? null;
      watcher.createAnswered(create);
      return answer;
    },
    closed: (link) => {
      states.delete(link);
    },
  });
}

/** A whole HTTP/1.1 message with its length in its head; null: it is not whole yet. */
function readMessage(bytes: Buffer): { readonly head: string; readonly body: string } | null {
  const headLength = bytes.indexOf(HEAD_END);
  if (headLength === -1) return null;
  const head = bytes.subarray(0, headLength).toString("latin1");
  const bodyLength = Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0);
  const body = bytes.subarray(headLength + HEAD_END.length);
  return body.byteLength < bodyLength ? null : { head, body: body.toString("utf8") };
}

function createOf({ head, body }: { head: string; body: string }): SeenCreate | null {
  if (!CREATE.test(head)) return null;
  const to = new URLSearchParams(body).get("To") ?? "";
  const writtenAt = performance.now();
  const answer = { answeredAt: null, status: null, carrierCallId: null };
  return { to, writtenAt, isForwarded: true, ...answer };
}
