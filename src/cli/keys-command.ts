// `carillon keys create|list|rotate|revoke`: the operator's work on API keys. Works beside a
// running server.

import { InvalidArgumentError, type Command } from "commander";
import { createKey, listKeys, revokeKey, rotateKey } from "../app/key-administration.ts";
import { readConfig } from "../app/read-config.ts";
import { print, printNotice, printTable } from "./terminal.ts";

const DEFAULT_LIMIT = 10;
const MAX_LIMIT = 10_000;

interface CreateOptions {
  readonly name?: string;
  readonly limit: number;
  readonly countries?: readonly string[];
  readonly callsPerDay?: number;
}

export function addKeysCommand(program: Command): void {
  const keys = program.command("keys").description("create, list, rotate and revoke API keys");
  keys
    .command("create")
    .description("make an API key; its secret is shown this once")
    .option("--name <name>", "what the key is for")
    .option("--limit <calls>", "concurrent calls", wholeNumber, DEFAULT_LIMIT)
    .option("--countries <list>", "countries it may call, as two-letter codes: GB,US", countryList)
    .option("--calls-per-day <calls>", "calls it may start in 24 hours", wholeNumber)
    .action(async (options: CreateOptions) => {
      const key = await createKey(readConfig(), printNotice, {
        name: options.name ?? null,
        concurrentCallLimit: options.limit,
        allowedCountries: options.countries ?? null,
        maxCallsPerDay: options.callsPerDay ?? null,
      });
      printNotice("Keep the secret now: only its hash is stored. Use both halves as");
      printNotice("Authorization: Bearer KEY_ID:KEY_SECRET");
      print(`${key.keyId}:${key.keySecret}`);
    });
  keys
    .command("list")
    .description("list API keys, newest first")
    .action(async () => {
      const rows = await listKeys(readConfig(), printNotice);
      printTable([
        ["key", "name", "limit", "calls a day", "countries", "state"],
        ...rows.map((row) => [
          row.id,
          row.name ?? "-",
          String(row.concurrentCallLimit),
          row.maxCallsPerDay === null ? "-" : String(row.maxCallsPerDay),
          row.allowedCountries?.join(",") ?? "all",
          row.revokedAt === null ? "active" : "revoked",
        ]),
      ]);
    });
  keys
    .command("rotate")
    .argument("<key_id>")
    .description("give a key a new secret; the old one is dead at once")
    .action(async (keyId: string) => {
      const secret = await rotateKey(readConfig(), printNotice, keyId);
      if (secret === null)
        throw new Error(`There is no active key ${keyId}; \`carillon keys list\` shows them.`);
      print(`${keyId}:${secret}`);
    });
  keys
    .command("revoke")
    .argument("<key_id>")
    .description("end a key: no more requests and no more dials; live calls go on")
    .action(async (keyId: string) => {
      if (!(await revokeKey(readConfig(), printNotice, keyId))) {
        throw new Error(`There is no key ${keyId}; \`carillon keys list\` shows them.`);
      }
      print(`${keyId} is revoked`);
    });
}

function wholeNumber(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value > MAX_LIMIT) {
    throw new InvalidArgumentError(`must be a whole number from 0 to ${MAX_LIMIT}`);
  }
  return value;
}

function countryList(text: string): readonly string[] {
  const countries = text.split(",").map((country) => country.trim().toUpperCase());
  if (countries.some((country) => !/^[A-Z]{2}$/.test(country))) {
    throw new InvalidArgumentError("must be two-letter country codes, like GB,US");
  }
  return countries;
}
