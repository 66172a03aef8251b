// The simulator: a pretend carrier, pretend people and a pretend model on one port, behind the real
// wire protocols. Memory is bounded by `maxCalls`; the people and their choices are a function of
// the seed.

import fastify from "fastify";
import { AccountSettings, createAccount } from "./carrier-model/account.ts";
import { AccountRegistry } from "./carrier-model/account-registry.ts";
import { readBooks, RESET_ENTRY } from "./carrier-model/books-journal.ts";
import { summarizeBooks, type BooksSummary } from "./carrier-model/books-summary.ts";
import type { CallBooks } from "./carrier-model/call-books.ts";
import { REAL_DELAYS } from "./carrier-model/carrier-delays.ts";
import { defaultAccount } from "./carrier-model/default-account.ts";
import { restError } from "./carrier-model/rest-error.ts";
import { addControlRoutes } from "./control/control-routes.ts";
import { Faults } from "./control/faults.ts";
import { addChatRoutes } from "./model/chat-completions.ts";
import { DEFAULT_MODEL_TIMING } from "./model/model-timing.ts";
import { DEFAULT_RATES, isPersona, type Persona } from "./people/persona.ts";
import { addRestRoutes } from "./rest/rest-routes.ts";
import { sendRestError } from "./rest/rest-reply.ts";
import type { SimulatorOptions } from "./simulator-options.ts";
import { SimulatorRun } from "./simulator-run.ts";

const DEFAULT_SEED = 1;
const DEFAULT_MAX_CALLS = 200_000;

export interface Simulator {
  /** Where it listens: TWILIO_API_BASE_URL, and with /v1 CARILLON_MODEL_BASE_URL. */
  readonly url: string;
  /** The carrier's own books, as `GET /simulator/calls` shows them; a reset opens new ones. */
  books(): CallBooks;
  /** What the carrier's books say about how it was used. */
  summary(): BooksSummary;
  close(): Promise<void>;
}

/** @throws Error when the port is taken or an option is wrong */
export async function startSimulator(options: SimulatorOptions): Promise<Simulator> {
  const seed = options.seed ?? DEFAULT_SEED;
  const accounts = new AccountRegistry();
  for (const settings of options.accounts ?? [defaultAccount]) {
    accounts.put(createAccount(AccountSettings.parse(settings)));
  }
  const newRun = (): SimulatorRun => {
    const run = new SimulatorRun({
      clock: options.clock,
      log: options.log,
      seed,
      speed: options.speed ?? 1,
      rates: options.rates ?? DEFAULT_RATES,
      delays: { ...REAL_DELAYS, ...options.delays },
      maxCalls: options.maxCalls ?? DEFAULT_MAX_CALLS,
      keep: options.journal?.write ?? null,
      accounts,
    });
    run.people.force(personasOf(options.people ?? {}));
    run.people.setFirstWords(options.says ?? {});
    if (options.languages !== undefined) run.people.setLanguages(options.languages);
    run.faults = Faults.parse(options.faults ?? {});
    return run;
  };
  let run = newRun();
  run.books.restore(readBooks(options.journal?.lines ?? [], options.clock.now()));

  const app = fastify({ forceCloseConnections: true, routerOptions: { maxParamLength: 200 } });
  // Everything arrives as text: forms for the carrier, JSON for the rest.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", { parseAs: "string" }, (_request, body, done) => {
    done(null, body);
  });
  app.setNotFoundHandler((_request, reply) => sendRestError(reply, restError(20404)));
  await addRestRoutes(app, {
    run: () => run,
    seed,
    log: options.log,
    isStrict: options.isStrict ?? false,
  });
  addChatRoutes(app, {
    run: () => run,
    seed,
    timing: { ...DEFAULT_MODEL_TIMING, ...options.model },
  });
  addControlRoutes(app, {
    run: () => run,
    reset: async () => {
      const old = run;
      options.journal?.write(RESET_ENTRY);
      run = newRun();
      await old.close();
    },
  });
  const url = await app.listen({ port: options.port, host: options.host ?? "127.0.0.1" });
  return {
    url,
    books: () => run.books,
    summary: () => summarizeBooks(run.books),
    close: async () => {
      await run.close();
      await app.close();
    },
  };
}

function personasOf(people: Readonly<Record<string, string>>): Record<string, Persona> {
  return Object.fromEntries(
    Object.entries(people).map(([phone, persona]) => {
      if (!isPersona(persona)) throw new RangeError(`there is no persona ${persona}`);
      return [phone, persona];
    }),
  );
}
