// The simulator's own routes: its books, faults, people and accounts. Everything that a test or a
// rehearsal needs to set up a day and to see afterwards what the carrier saw.

import type { FastifyInstance, FastifyReply } from "fastify";
import { z } from "zod";
import { AccountSettings, createAccount, formatAccount } from "../carrier-model/account.ts";
import { summarizeBooks } from "../carrier-model/books-summary.ts";
import { MAILBOX_LANGUAGES } from "../people/mailbox-greetings.ts";
import { PERSONAS } from "../people/persona.ts";
import type { SimulatorRun } from "../simulator-run.ts";
import { formatBookedCall, formatCreate, formatSummary } from "./books-json.ts";
import { Faults } from "./faults.ts";

/** A hundred thousand forced phones are some four megabytes. */
const MAX_BODY_BYTES = 16 * 1024 * 1024;
/** A call with a long talk is some 5 KB of JSON; more than this at once is asked for in pages. */
const DEFAULT_LIMIT = 20_000;

const phone = z.string().regex(/^\+[1-9]\d{6,14}$/, "must be an E.164 phone number");
const persona = z.enum(PERSONAS);

const PEOPLE_FIELDS = ["force", "rates", "says", "languages"];

// Either everything by name, or the phones alone.
const PeopleUpdate = z.preprocess(
  (body) => (PEOPLE_FIELDS.some((name) => hasField(body, name)) ? body : { force: body }),
  z.strictObject({
    force: z.record(phone, persona).optional(),
    /** persona → share of everybody who is not forced. Personas not named get 0. */
    rates: z.partialRecord(persona, z.number().nonnegative()).optional(),
    /** phone → what is said first: a mailbox's greeting, a menu, a person's hello. */
    says: z.record(phone, z.string().min(1).max(2_000)).optional(),
    /** language → share of the mailboxes; languages not named get 0. */
    languages: z.partialRecord(z.enum(MAILBOX_LANGUAGES), z.number().nonnegative()).optional(),
  }),
);

const AccountsUpdate = z.preprocess(
  (body): unknown => (Array.isArray(body) ? body : [body]),
  z.array(AccountSettings).max(1_000),
);

const BooksQuery = z.object({
  // A + in a query means a space; nobody means a phone with a space.
  to: z
    .string()
    .transform((text) => text.replace(/^ /, "+"))
    .optional(),
  limit: z.coerce.number().int().positive().default(DEFAULT_LIMIT),
  offset: z.coerce.number().int().nonnegative().default(0),
});

export interface ControlOptions {
  readonly run: () => SimulatorRun;
  readonly reset: () => Promise<void>;
}

export function addControlRoutes(app: FastifyInstance, options: ControlOptions): void {
  addBooksRoutes(app, options);
  addFaultRoutes(app, options);
  addPeopleRoutes(app, options);
  addAccountRoutes(app, options);
}

function addBooksRoutes(app: FastifyInstance, { run, reset }: ControlOptions): void {
  app.get("/simulator/calls", (request, reply) =>
    withChecked(reply, BooksQuery, request.query, ({ to, limit, offset }) => {
      const { books } = run();
      const calls = [...books.calls(to ?? null)];
      const creates = books.creates.filter((create) => to === undefined || create.to === to);
      return {
        calls: calls.slice(offset, offset + limit).map(formatBookedCall),
        creates: creates.slice(offset, offset + limit).map(formatCreate),
        total_calls: calls.length,
        total_creates: creates.length,
      };
    }),
  );
  app.get("/simulator/summary", () => formatSummary(summarizeBooks(run().books)));
  app.post("/simulator/reset", async () => {
    await reset();
    return { reset: true };
  });
}

function addFaultRoutes(app: FastifyInstance, { run }: ControlOptions): void {
  app.get("/simulator/faults", () => run().faults);
  app.put("/simulator/faults", (request, reply) =>
    withChecked(reply, Faults, parseJson(request.body), (faults) => {
      run().faults = faults;
      return faults;
    }),
  );
  app.delete("/simulator/faults", () => {
    run().faults = Faults.parse({});
    return run().faults;
  });
}

function addPeopleRoutes(app: FastifyInstance, { run }: ControlOptions): void {
  const show = () => ({
    force: run().people.forced(),
    rates: run().people.rates(),
    languages: run().people.languages(),
  });
  app.get("/simulator/people", show);
  app.put("/simulator/people", { bodyLimit: MAX_BODY_BYTES }, (request, reply) =>
    withChecked(reply, PeopleUpdate, parseJson(request.body), (update) => {
      const { people } = run();
      if (update.force !== undefined) people.force(update.force);
      if (update.rates !== undefined) people.setRates(update.rates);
      if (update.says !== undefined) people.setFirstWords(update.says);
      if (update.languages !== undefined) people.setLanguages(update.languages);
      return show();
    }),
  );
  app.delete("/simulator/people", () => {
    run().people.unforce();
    return show();
  });
}

function addAccountRoutes(app: FastifyInstance, { run }: ControlOptions): void {
  const show = () => run().accounts.list().map(formatAccount);
  app.get("/simulator/accounts", show);
  app.put("/simulator/accounts", { bodyLimit: MAX_BODY_BYTES }, (request, reply) =>
    withChecked(reply, AccountsUpdate, parseJson(request.body), (update) => {
      for (const settings of update) {
        const account = createAccount(settings);
        run().accounts.put(account);
        run().carrier.accountChanged(account);
      }
      return show();
    }),
  );
}

/** Answers 400 with what is wrong when the input does not fit, else what `handle` makes of it. */
function withChecked<S extends z.ZodType>(
  reply: FastifyReply,
  schema: S,
  input: unknown,
  handle: (value: z.output<S>) => unknown,
): unknown {
  const parsed = schema.safeParse(input);
  if (!parsed.success) return reply.code(400).send({ error: z.prettifyError(parsed.error) });
  try {
    return handle(parsed.data);
  } catch (error) {
    if (error instanceof RangeError) return reply.code(400).send({ error: error.message });
    throw error;
  }
}

function hasField(value: unknown, name: string): boolean {
  return typeof value === "object" && value !== null && Object.hasOwn(value, name);
}

function parseJson(body: unknown): unknown {
  if (typeof body !== "string") return body;
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}
