// People who hold connections open and send as little, or as much, as they can. Each attack keeps
// its connections up: what the server cuts is opened again.

import { connect, type Socket } from "node:net";
import { onTestFinished } from "vitest";

export interface Attack {
  /** Connections that are open now. */
  open(): number;
  /** How often one was opened. */
  attempts(): number;
}

export interface AttackOptions {
  readonly port: number;
  readonly connections: number;
  /** What each connection says first. */
  readonly opening: () => string;
  /** Said again and again, as fast as the other side takes it; undefined: one byte now and then. */
  readonly flood?: Buffer;
}

const DRIP_MS = 500;
// A flood of connection attempts as fast as the machine can would be a test of the machine.
const REOPEN_MS = 100;

/** Goes on until the test is over. */
export function attack(options: AttackOptions): Attack {
  const sockets = new Set<Socket>();
  let attempts = 0;
  let isOver = false;

  function open(): void {
    if (isOver) return;
    attempts += 1;
    const socket = connect(options.port, "127.0.0.1");
    sockets.add(socket);
    const drip = setInterval(() => socket.write("x"), DRIP_MS);
    const { flood } = options;
    const pour = (): void => {
      while (flood !== undefined && !socket.destroyed && socket.write(flood));
    };
    socket.on("error", () => {});
    socket.on("connect", () => {
      socket.write(options.opening());
      pour();
    });
    socket.on("drain", pour);
    socket.resume();
    socket.on("close", () => {
      clearInterval(drip);
      sockets.delete(socket);
      setTimeout(open, REOPEN_MS);
    });
  }

  for (let count = 0; count < options.connections; count += 1) open();
  onTestFinished(() => {
    isOver = true;
    for (const socket of sockets) socket.destroy();
  });
  return {
    open: () => [...sockets].filter((socket) => socket.readyState === "open").length,
    attempts: () => attempts,
  };
}
