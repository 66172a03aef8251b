// A line that can be made bad: everything a server says to its database or its carrier passes here,
// byte for byte and in order, and can be delayed, held, cut, refused or watched. Nothing is ever
// changed on the way.

import { once } from "node:events";
import { connect, createServer, type NetConnectOpts, type Socket } from "node:net";
import { waitFor } from "../support/wait-for.ts";

/** One connection through the proxy; what a watcher knows about it is the watcher's. */
export interface ProxyLink {
  readonly number: number;
}

/** Looks at what passes. Answers what goes on, at once; null: nothing of it, for now or ever. */
export interface ProxyWatcher {
  towardsTarget(link: ProxyLink, chunk: Buffer): Buffer | null;
  towardsClient(link: ProxyLink, chunk: Buffer): Buffer | null;
  closed(link: ProxyLink): void;
}

export interface TcpProxy {
  readonly port: number;
  /** Every byte is late by this much, each way. */
  setLatency(ms: number): void;
  /** Nothing passes until it is released. */
  hold(): void;
  release(): void;
  /** Bytes from clients that were held and have not passed. */
  heldBytes(): number;
  /** Breaks every connection; new ones are taken. */
  cut(): void;
  /** Breaks every connection, and every new one too. */
  refuse(isRefusing: boolean): void;
  /** Breaks every connection, and nobody listens any more: nothing can be written to it. */
  leave(): Promise<void>;
  /** Listens again, where it did. */
  comeBack(): Promise<void>;
  close(): Promise<void>;
}

interface Weather {
  latencyMs: number;
  isHeld: boolean;
  isRefusing: boolean;
}

const PASS_ALL: ProxyWatcher = {
  towardsTarget: (_link, chunk) => chunk,
  towardsClient: (_link, chunk) => chunk,
  closed: () => {},
};

/** @param target where a new connection goes; null: nowhere just now, it is broken at once */
export async function openTcpProxy(
  target: () => NetConnectOpts | null,
  watcher: ProxyWatcher = PASS_ALL,
): Promise<TcpProxy> {
  const weather: Weather = { latencyMs: 0, isHeld: false, isRefusing: false };
  const clients = new Set<Socket>();
  const lanes = new Set<Lane>();
  const upLanes = new Set<Lane>();
  let opened = 0;

  const server = createServer({ noDelay: true }, (client) => {
    const to = weather.isRefusing ? null : target();
    if (to === null) {
      client.resetAndDestroy();
      return;
    }
    opened += 1;
    const link: ProxyLink = { number: opened };
    const upstream = connect(to);
    const up = new Lane(upstream, weather, (chunk) => watcher.towardsTarget(link, chunk));
    const down = new Lane(client, weather, (chunk) => watcher.towardsClient(link, chunk));
    clients.add(client);
    lanes.add(up).add(down);
    upLanes.add(up);
    client.on("data", (chunk: Buffer) => up.push(chunk));
    upstream.on("data", (chunk: Buffer) => down.push(chunk));
    client.on("end", () => up.end());
    upstream.on("end", () => down.end());
    const over = (): void => {
      client.destroy();
      upstream.destroy();
      if (!clients.delete(client)) return;
      lanes.delete(up);
      lanes.delete(down);
      upLanes.delete(up);
      watcher.closed(link);
    };
    for (const socket of [client, upstream]) {
      // What broke is over; whoever is at the other end learns it from the broken connection.
      socket.on("error", over);
      socket.on("close", over);
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the proxy has no port");

  const cut = (): void => {
    for (const client of clients) client.resetAndDestroy();
  };
  const leave = async (): Promise<void> => {
    cut();
    if (!server.listening) return;
    server.close();
    await once(server, "close");
  };
  return {
    port: address.port,
    setLatency: (ms) => {
      weather.latencyMs = ms;
    },
    hold: () => {
      weather.isHeld = true;
    },
    release: () => {
      weather.isHeld = false;
      for (const lane of lanes) lane.pump();
    },
    heldBytes: () => [...upLanes].reduce((sum, lane) => sum + lane.waitingBytes(), 0),
    cut,
    refuse: (isRefusing) => {
      weather.isRefusing = isRefusing;
      if (isRefusing) cut();
    },
    leave,
    comeBack: async () => {
      const listen = async (): Promise<boolean> => {
        server.listen(address.port, "127.0.0.1");
        return once(server, "listening").then(
          () => true,
          () => false,
        );
      };
      await waitFor(listen, { timeoutMs: 60_000, pollMs: 50, describe: "the line's port" });
    },
    close: leave,
  };
}

/** One direction of one connection. */
class Lane {
  readonly #sink: Socket;
  readonly #weather: Weather;
  readonly #watch: (chunk: Buffer) => Buffer | null;
  readonly #waiting: { readonly at: number; readonly chunk: Buffer | null }[] = [];
  #timer: NodeJS.Timeout | null = null;

  constructor(sink: Socket, weather: Weather, watch: (chunk: Buffer) => Buffer | null) {
    this.#sink = sink;
    this.#weather = weather;
    this.#watch = watch;
  }

  push(chunk: Buffer): void {
    const passed = this.#watch(chunk);
    if (passed !== null) this.#take(passed);
  }

  end(): void {
    this.#take(null);
  }

  waitingBytes(): number {
    return this.#waiting.reduce((sum, { chunk }) => sum + (chunk?.byteLength ?? 0), 0);
  }

  #take(chunk: Buffer | null): void {
    this.#waiting.push({ at: performance.now() + this.#weather.latencyMs, chunk });
    this.pump();
  }

  pump(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    for (;;) {
      const first = this.#waiting[0];
      if (first === undefined || this.#weather.isHeld || this.#sink.destroyed) return;
      const waitMs = first.at - performance.now();
      if (waitMs > 0) {
        this.#timer = setTimeout(() => this.pump(), waitMs);
        return;
      }
      this.#waiting.shift();
      if (first.chunk === null) this.#sink.end();
      else this.#sink.write(first.chunk);
    }
  }
}
