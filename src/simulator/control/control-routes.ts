// The simulator's own routes: its books, its faults, its people and its accounts. Everything a test
// or a rehearsal needs to see what the carrier saw.

import type { FastifyInstance, FastifyReply } from "fastify";
import { z } from "zod";
import { AccountSettings, createAccount, formatAccount } from "../carrier-model/account.ts";
import type { Call } from "../carrier-model/call.ts";
import { summarizeBooks } from "../carrier-model/books-summary.ts";
import { PERSONAS } from "../people/persona.ts";
import type { SimulatorRun } from "../simulator-run.ts";
import { Faults } from "./faults.ts";

/** A hundred thousand forced phones are some four megabytes. */
const MAX_BODY_BYTES = 16 * 1024 * 1024;

const PeopleUpdate = z.strictObject({
  /** phone → persona. */
  force: z.record(z.string(), z.enum(PERSONAS)).optional(),
  /** persona → share of everybody else. */
  rates: z.partialRecord(z.enum(PERSONAS), z.number().nonnegative()).optional(),
});
const AccountsUpdate = z.union([AccountSettings, z.array(AccountSettings).max(1_000)]);

export interface ControlOptions {
  readonly run: () => SimulatorRun;
  readonly reset: () => Promise<void>;
}

export function addControlRoutes(app: FastifyInstance, { run, reset }: ControlOptions): void {
  app.get("/simulator/calls", (request) => {
    const to =
      new URLSearchParams(request.raw.url?.split("?")[1] ?? "").get("to")?.replace(" ", "+") ??
      null;
    const { books } = run();
    return {
      calls: [...books.calls(to)].map(formatBookedCall),
      creates: to === null ? books.creates : books.creates.filter((create) => create.to === to),
    };
  });
  app.get("/simulator/summary", () => summarizeBooks(run().books));
  app.get("/simulator/faults", () => run().faults);
  app.put("/simulator/faults", { bodyLimit: MAX_BODY_BYTES }, (request, reply) =>
    withBody(reply, Faults, request.body, (faults) => {
      run().faults = faults;
      return faults;
    }),
  );
  app.delete("/simulator/faults", () => {
    run().faults = Faults.parse({});
    return run().faults;
  });
  app.get("/simulator/people", () => ({
    forced: run().people.forced(),
    rates: run().people.rates(),
  }));
  app.put("/simulator/people", { bodyLimit: MAX_BODY_BYTES }, (request, reply) =>
    withBody(reply, PeopleUpdate, request.body, (update) => {
      const { people } = run();
      if (update.force !== undefined) people.force(update.force);
      if (update.rates !== undefined) people.setRates(update.rates);
      return { forced: people.forced(), rates: people.rates() };
    }),
  );
  app.get("/simulator/accounts", () => run().accounts.list().map(formatAccount));
  app.put("/simulator/accounts", { bodyLimit: MAX_BODY_BYTES }, (request, reply) =>
    withBody(reply, AccountsUpdate, request.body, (update) => {
      for (const settings of Array.isArray(update) ? update : [update]) {
        const account = createAccount(settings);
        run().accounts.put(account);
        run().carrier.accountChanged(account);
      }
      return run().accounts.list().map(formatAccount);
    }),
  );
  app.post("/simulator/reset", async () => {
    await reset();
    return { reset: true };
  });
}

function withBody<S extends z.ZodType>(
  reply: FastifyReply,
  schema: S,
  body: unknown,
  handle: (value: z.output<S>) => unknown,
): unknown {
  const parsed = schema.safeParse(typeof body === "string" ? parseJson(body) : body);
  if (!parsed.success) return reply.code(400).send({ error: z.prettifyError(parsed.error) });
  try {
    return handle(parsed.data);
  } catch (error) {
    if (error instanceof RangeError) return reply.code(400).send({ error: error.message });
    throw error;
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function formatBookedCall(call: Call): object {
  return {
    sid: call.sid,
    account_sid: call.accountSid,
    to: call.to,
    from: call.from,
    /** False: somebody else's call, there to be mistaken for ours. */
    is_ours: call.request !== null,
    status: call.status,
    status_callback: call.request?.statusCallback?.url ?? null,
    amd_callback: call.request?.machineDetection?.callback?.url ?? null,
    created_at: call.createdAt,
    dialed_at: call.dialedAt,
    answered_at: call.answeredAt,
    ended_at: call.endedAt,
    queue_time_ms: call.queueTimeMs,
    answered_by: call.answeredBy,
    persona: call.persona,
    ended_because: call.endedBecause,
    history: call.history,
    transcript: call.transcript,
  };
}
