// `carillon simulator`: a pretend carrier, pretend people and a pretend model, on one port.

import { InvalidArgumentError, type Command } from "commander";
import { openBooksFile } from "../app/books-file.ts";
import { startStandaloneSimulator } from "../app/standalone-simulator.ts";
import { print, untilStopped } from "./terminal.ts";

interface Options {
  readonly port: number;
  readonly host: string;
  readonly seed: number;
  readonly speed: number;
  readonly books?: string;
}

const DEFAULT_PORT = 9090;

export function addSimulatorCommand(program: Command): void {
  program
    .command("simulator")
    .description(
      "run a pretend carrier with pretend people, and a pretend language model, behind the real protocols",
    )
    .option("--port <port>", "where it listens; 0 picks a free port", number, DEFAULT_PORT)
    .option("--host <address>", "address of this machine", "127.0.0.1")
    .option("--seed <number>", "the same seed gives every phone the same person", number, 1)
    .option("--speed <factor>", "ringing and talking this many times faster than life", number, 1)
    .option("--books <file>", "keep the carrier's books here, and come back with them")
    .action(async ({ books, ...options }: Options) => {
      const { simulator, account } = await startStandaloneSimulator({
        ...options,
        ...(books === undefined ? {} : { journal: openBooksFile(books) }),
      });
      print(`The simulator listens on ${simulator.url}. Point Carillon at it:`);
      print();
      print(`  TWILIO_API_BASE_URL=${simulator.url}`);
      print(`  CARILLON_MODEL=openai-compatible:scripted-agent`);
      print(`  CARILLON_MODEL_BASE_URL=${simulator.url}/v1`);
      print();
      print(
        `Account ${account.sid} with token ${account.authToken} owns ${account.numbers.join(", ")}.`,
      );
      print(`What the carrier saw: ${simulator.url}/simulator/calls and /simulator/summary`);
      await untilStopped();
      await simulator.close();
    });
}

function number(text: string): number {
  const value = Number(text);
  if (text.trim() === "" || !Number.isFinite(value) || value < 0) {
    throw new InvalidArgumentError("must be a number, not below 0");
  }
  return value;
}
