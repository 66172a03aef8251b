// Phone numbers (contract B.10): import, list, update, delete.

import { AppError } from "../domain/app-error.ts";
import type { E164 } from "../domain/phone.ts";
import { findAgent } from "../store/agents.ts";
import {
  lockAccountToken,
  replaceAccountToken,
  updateAccountLimits,
} from "../store/carrier-accounts.ts";
import {
  deleteNumber,
  findNumber,
  listNumbers,
  lockNumber,
  updateNumber,
  type PhoneNumberRow,
} from "../store/phone-numbers.ts";
import { agentNotFound } from "./agent-routes.ts";
import { verifyAccount } from "./carrier-checks.ts";
import {
  DeletedNumber,
  importAliases,
  importFieldCodes,
  ImportNumberRequest,
  numberFieldCodes,
  NumberListQuery,
  NumberParams,
  OnePhoneNumber,
  PhoneNumberList,
  updateNumberFields,
  UpdateNumberRequest,
  type ParsedUpdateNumberRequest,
} from "./contract/phone-number.ts";
import { changeNumberSettings, numberFromPath, presentNumber } from "./number-fields.ts";
import { holdsToken, importNumber, PREVIOUS_TOKEN_VALID_MS } from "./number-import.ts";
import { errorAnswers, keyOf, type RouteApp } from "./route-app.ts";
import type { HttpDependencies } from "./server-dependencies.ts";

export function addNumberRoutes(app: RouteApp, dependencies: HttpDependencies): void {
  addImportAndList(app, dependencies);
  addUpdateAndDelete(app, dependencies);
}

function addImportAndList(app: RouteApp, dependencies: HttpDependencies): void {
  app.route({
    method: "POST",
    url: "/v1/phone-numbers",
    config: { access: "key", fieldCodes: importFieldCodes, aliases: importAliases },
    schema: {
      tags: ["Phone numbers"],
      summary: "Import a number of your carrier account",
      description:
        "Credentials and ownership are verified at the carrier. The number's own webhooks there are left alone. camelCase names are accepted too.",
      operationId: "importNumber",
      body: ImportNumberRequest,
      response: { 201: OnePhoneNumber, ...errorAnswers(400, 403, 404, 409, 502) },
    },
    handler: async (request, reply) => {
      const number = await importNumber(dependencies, keyOf(request).id, request.body);
      dependencies.engine.wake();
      return reply.code(201).send({ phone_number: presentNumber(number) });
    },
  });
  app.route({
    method: "GET",
    url: "/v1/phone-numbers",
    config: { access: "key" },
    schema: {
      tags: ["Phone numbers"],
      summary: "List numbers, newest first",
      operationId: "listNumbers",
      querystring: NumberListQuery,
      response: { 200: PhoneNumberList, ...errorAnswers(400) },
    },
    handler: async (request) => {
      const { agent_id } = request.query;
      const rows = await listNumbers(dependencies.database, keyOf(request).id, agent_id ?? null);
      return { phone_numbers: rows.map(presentNumber), count: rows.length };
    },
  });
}

function addUpdateAndDelete(app: RouteApp, dependencies: HttpDependencies): void {
  const { database } = dependencies;
  app.route({
    method: "PATCH",
    url: "/v1/phone-numbers/:number",
    config: { access: "key", fieldCodes: numberFieldCodes },
    schema: {
      tags: ["Phone numbers"],
      summary: "Change a number",
      description: "Send at least one field. Takes effect on the next call.",
      operationId: "updateNumber",
      params: NumberParams,
      body: UpdateNumberRequest,
      response: { 200: OnePhoneNumber, ...errorAnswers(400, 404, 502) },
    },
    handler: async (request) => {
      if (Object.keys(request.body).length === 0) {
        const message = `Send at least one of ${updateNumberFields.join(", ")}.`;
        throw new AppError("missing_field", { message });
      }
      const phone = pathNumber(request.params.number);
      const number = await changeNumber(dependencies, keyOf(request).id, phone, request.body);
      dependencies.engine.wake();
      return { phone_number: presentNumber(number) };
    },
  });
  app.route({
    method: "DELETE",
    url: "/v1/phone-numbers/:number",
    config: { access: "key" },
    schema: {
      tags: ["Phone numbers"],
      summary: "Forget a number",
      description:
        "It stays yours at the carrier. Scheduled campaigns that call from it fail when they fire; nobody is ever called from another number instead.",
      operationId: "deleteNumber",
      params: NumberParams,
      response: { 200: DeletedNumber, ...errorAnswers(404) },
    },
    handler: async (request) => {
      const phone = pathNumber(request.params.number);
      if (!(await deleteNumber(database, keyOf(request).id, phone))) throw numberNotFound();
      return { phone_number: { phone_number: phone, deleted: true as const } };
    },
  });
}

async function changeNumber(
  ports: HttpDependencies,
  keyId: string,
  phone: E164,
  update: ParsedUpdateNumberRequest,
): Promise<PhoneNumberRow> {
  const found = await findNumber(ports.database, keyId, phone);
  if (found === null) throw numberNotFound();
  // Everything that can be refused is, before the carrier is asked and anything is written.
  changeNumberSettings(found.settings, update);
  if (update.agent_id !== undefined) {
    if ((await findAgent(ports.database, keyId, update.agent_id)) === null) throw agentNotFound();
  }
  const token = update.twilio_token;
  if (token !== undefined) {
    const { carrierAccountId } = found;
    await verifyAccount(ports.carrier, { carrierAccountId, authToken: token });
  }
  return ports.database.transaction(async (tx) => {
    const before = await lockNumber(tx, keyId, phone);
    if (before === null) throw numberNotFound();
    const now = ports.clock.now();
    const isFreed = update.outbound_enabled === true;
    await updateNumber(tx, {
      ...before,
      agentId: update.agent_id ?? before.agentId,
      outboundEnabled: update.outbound_enabled ?? before.outboundEnabled,
      settings: changeNumberSettings(before.settings, update),
      benchedAt: isFreed ? null : before.benchedAt,
      benchReason: isFreed ? null : before.benchReason,
      updatedAt: now,
    });
    const inUse = await lockAccountToken(tx, before.accountId);
    if (token !== undefined && inUse !== null && !holdsToken(ports, inUse, token)) {
      const encrypted = ports.secretBox.encrypt(token);
      await replaceAccountToken(tx, before.accountId, encrypted, now + PREVIOUS_TOKEN_VALID_MS);
    }
    await updateAccountLimits(tx, before.accountId, {
      callsPerSecond: update.calls_per_second,
      maxConcurrentCalls: update.max_concurrent_calls,
    });
    return (await findNumber(tx, keyId, phone)) ?? before;
  });
}

/**
 * The number of a path. @throws AppError `number_not_found`: what is no phone number was never
 * imported.
 */
export function pathNumber(text: string): E164 {
  const phone = numberFromPath(text);
  if (phone === null) throw numberNotFound();
  return phone;
}

export function numberNotFound(): AppError {
  return new AppError("number_not_found", { message: "There is no such phone number." });
}
