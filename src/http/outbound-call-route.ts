// POST /v1/calls/outbound (contract B.4): one call, queued before those of campaigns. It answers
// before anything is dialed and is never refused for the concurrency limit.

import { AppError } from "../domain/app-error.ts";
import { newCallId } from "../domain/ids.ts";
import { parsePhone, type E164 } from "../domain/phone.ts";
import { parseVariables, type Variables } from "../domain/variables.ts";
import type { KeyAccess } from "../store/api-keys.ts";
import { findAgent } from "../store/agents.ts";
import { insertOutboundCall } from "../store/campaign-create.ts";
import { findCampaign } from "../store/campaign-list.ts";
import { listOutboundNumbers, type PhoneNumberRow } from "../store/phone-numbers.ts";
import { findSuppressions } from "../store/suppressions.ts";
import { agentNotFound } from "./agent-routes.ts";
import { chooseNumber } from "./calling-number.ts";
import { campaignNotFound } from "./own-campaign.ts";
import {
  outboundFieldCodes,
  OutboundCallAnswer,
  OutboundCallRequest,
  type ParsedOutboundCallRequest,
} from "./contract/call.ts";
import { commitAnswer, sendStored } from "./idempotency.ts";
import { requireModel } from "./require-model.ts";
import { errorAnswers, keyOf, type RouteApp } from "./route-app.ts";
import type { HttpDependencies } from "./server-dependencies.ts";

export function addOutboundCallRoute(app: RouteApp, dependencies: HttpDependencies): void {
  app.route({
    method: "POST",
    url: "/v1/calls/outbound",
    config: { access: "key", fieldCodes: outboundFieldCodes },
    schema: {
      tags: ["Calls"],
      summary: "Call one person",
      description:
        "Answers before the call is dialed. Calls above the key's limit wait; single calls go first.",
      operationId: "createOutboundCall",
      body: OutboundCallRequest,
      response: { 201: OutboundCallAnswer, ...errorAnswers(400, 404, 409) },
    },
    handler: async (request, reply) => {
      const order = await checkOrder(dependencies, keyOf(request), request.body);
      const now = dependencies.clock.now();
      const callId = newCallId(now, dependencies.random);
      const answer = await commitAnswer(dependencies, request, async (tx) => {
        await insertOutboundCall(tx, {
          ...order,
          callId,
          keyId: keyOf(request).id,
          createdAt: now,
        });
        const body = { call_id: callId, status: "initiated", to: order.to, from: order.from };
        return { status: 201, body };
      });
      dependencies.engine.wake();
      return sendStored(reply, answer);
    },
  });
}

interface Order {
  readonly agentId: string;
  readonly phoneNumberId: string;
  readonly accountId: string;
  readonly from: E164;
  readonly to: E164;
  readonly prompt: string;
  readonly variables: Variables;
  readonly reportCampaignId: string | null;
}

/** Checks in the contract's order (B.4): fields, phone, agent, number; then what is ours. */
async function checkOrder(
  { database, model }: HttpDependencies,
  key: KeyAccess,
  request: ParsedOutboundCallRequest,
): Promise<Order> {
  if (request.prompt.trim() === "") {
    throw new AppError("missing_field", {
      message: "prompt is required.",
      details: { field: "prompt" },
    });
  }
  const variables = readVariables(request.dynamic_vars);
  const to = readPhone(request.to_number, key.allowedCountries);
  const agent = await findAgent(database, key.id, request.agent_id);
  if (agent === null) throw agentNotFound();
  if (!agent.isActive) {
    throw new AppError("invalid_request", {
      message: "The agent is inactive: set its is_active to true.",
      details: { field: "agent_id" },
    });
  }
  const number = await numberFor(database, key.id, agent.id, request.from_number ?? null);
  requireModel(model);
  const reportCampaignId = request.campaign_id ?? null;
  if (
    reportCampaignId !== null &&
    (await findCampaign(database, key.id, reportCampaignId)) === null
  ) {
    throw campaignNotFound();
  }
  await refuseSuppressed(database, key.id, to);
  return {
    agentId: agent.id,
    phoneNumberId: number.id,
    accountId: number.accountId,
    from: number.phone,
    to,
    prompt: request.prompt,
    variables,
    reportCampaignId,
  };
}

/** Not kept as a recipient either: nobody waits for a single call that will not be made. */
async function refuseSuppressed(
  database: HttpDependencies["database"],
  keyId: string,
  to: E164,
): Promise<void> {
  const [suppression] = await findSuppressions(database, keyId, to);
  if (suppression === undefined) return;
  const isOwn = suppression.keyId !== null;
  const why = isOwn && suppression.reason !== null ? `: ${suppression.reason}` : "";
  throw new AppError("phone_suppressed", {
    message: `to_number is suppressed by ${isOwn ? "this key" : "the operator"}${why}.`,
    details: { field: "to_number", scope: isOwn ? "key" : "installation" },
  });
}

function readVariables(value: unknown): Variables {
  const parsed = parseVariables(value);
  if (parsed.kind === "valid") return parsed.variables;
  const field = parsed.path === "" ? "dynamic_vars" : `dynamic_vars.${parsed.path}`;
  throw new AppError("invalid_request", {
    message: `${field} ${parsed.message}.`,
    details: { field },
  });
}

function readPhone(text: string, allowedCountries: readonly string[] | null): E164 {
  const parsed = parsePhone(text);
  if (parsed.kind === "invalid") {
    throw new AppError("invalid_phone_format", {
      message: `to_number ${parsed.reason}.`,
      details: { field: "to_number" },
    });
  }
  if (allowedCountries !== null && !allowedCountries.includes(parsed.country ?? "")) {
    throw new AppError("country_not_allowed", {
      message: `This key may not call ${parsed.country ?? "numbers without a country"}.`,
      details: { field: "to_number", country: parsed.country },
    });
  }
  return parsed.phone;
}

async function numberFor(
  database: HttpDependencies["database"],
  keyId: string,
  agentId: string,
  fromNumber: string | null,
): Promise<PhoneNumberRow> {
  if (fromNumber !== null) {
    const choice = await chooseNumber(database, keyId, agentId, fromNumber);
    if (choice.kind === "chosen") return choice.number;
    const message = choice.kind === "unusable" ? choice.message : "from_number is not known.";
    throw new AppError("from_number_not_found", { message, details: { field: "from_number" } });
  }
  // A single call does not insist on a choice: the first number that may call (contract B.4).
  const numbers = await listOutboundNumbers(database, keyId, agentId);
  const first = numbers.find((number) => number.benchedAt === null);
  if (first !== undefined) return first;
  throw new AppError("agent_missing_phone_number", {
    message:
      "The agent has no number that may call. Import one for it, or enable one for outbound calls.",
  });
}
