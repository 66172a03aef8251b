// Two webhook addresses per number, set, read and cleared one by one (contract B.12).

import {
  DeletedNumberWebhook,
  NumberParams,
  NumberWebhook,
  numberWebhookFieldCodes,
  NumberWebhookRequest,
  SetNumberWebhook,
} from "./contract/phone-number.ts";
import type { E164 } from "../domain/phone.ts";
import { findNumber, lockNumber, updateNumber } from "../store/phone-numbers.ts";
import { numberNotFound, pathNumber } from "./number-routes.ts";
import { errorAnswers, keyOf, type RouteApp } from "./route-app.ts";
import type { HttpDependencies } from "./server-dependencies.ts";
import { checkWebAddress } from "./web-address.ts";

const SLOTS = [
  { path: "webhook", field: "webhook_url", operation: "NumberWebhook" },
  { path: "webhook2", field: "webhook_url_2", operation: "SecondNumberWebhook" },
] as const;

type Slot = (typeof SLOTS)[number];

export function addNumberWebhookRoutes(app: RouteApp, dependencies: HttpDependencies): void {
  for (const slot of SLOTS) {
    addSet(app, slot, dependencies);
    addGet(app, slot, dependencies);
    addDelete(app, slot, dependencies);
  }
}

const urlOf = (slot: Slot): string => `/v1/integrations/${slot.path}/number/:number`;

function addSet(app: RouteApp, slot: Slot, dependencies: HttpDependencies): void {
  app.route({
    method: "PUT",
    url: urlOf(slot),
    config: { access: "key", fieldCodes: numberWebhookFieldCodes },
    schema: {
      tags: ["Phone numbers"],
      summary: `Set a number's ${slot.field}`,
      operationId: `set${slot.operation}`,
      params: NumberParams,
      body: NumberWebhookRequest,
      response: { 200: SetNumberWebhook, ...errorAnswers(400, 404) },
    },
    handler: async (request) => {
      const phone = pathNumber(request.params.number);
      const { url } = request.body;
      checkWebAddress(url, "webhook_url", dependencies.settings.allowLocalUrls);
      await storeAddress(dependencies, keyOf(request).id, phone, slot, url);
      return { ok: true as const, phone_number: phone, url, webhook_url: url };
    },
  });
}

function addGet(app: RouteApp, slot: Slot, { database }: HttpDependencies): void {
  app.route({
    method: "GET",
    url: urlOf(slot),
    config: { access: "key" },
    schema: {
      tags: ["Phone numbers"],
      summary: `Get a number's ${slot.field}`,
      operationId: `get${slot.operation}`,
      params: NumberParams,
      response: { 200: NumberWebhook, ...errorAnswers(404) },
    },
    handler: async (request) => {
      const phone = pathNumber(request.params.number);
      const number = await findNumber(database, keyOf(request).id, phone);
      if (number === null) throw numberNotFound();
      const address = number.settings[slot.field];
      const url = typeof address === "string" ? address : null;
      return { phone_number: phone, [slot.field]: url, is_set: url !== null };
    },
  });
}

function addDelete(app: RouteApp, slot: Slot, dependencies: HttpDependencies): void {
  app.route({
    method: "DELETE",
    url: urlOf(slot),
    config: { access: "key" },
    schema: {
      tags: ["Phone numbers"],
      summary: `Clear a number's ${slot.field}`,
      operationId: `delete${slot.operation}`,
      params: NumberParams,
      response: { 200: DeletedNumberWebhook, ...errorAnswers(404) },
    },
    handler: async (request) => {
      const phone = pathNumber(request.params.number);
      await storeAddress(dependencies, keyOf(request).id, phone, slot, null);
      return { ok: true as const, deleted: true as const, phone_number: phone };
    },
  });
}

function storeAddress(
  { database, clock }: Pick<HttpDependencies, "database" | "clock">,
  keyId: string,
  phone: E164,
  slot: Slot,
  url: string | null,
): Promise<void> {
  return database.transaction(async (tx) => {
    const number = await lockNumber(tx, keyId, phone);
    if (number === null) throw numberNotFound();
    const settings = { ...number.settings, [slot.field]: url };
    await updateNumber(tx, { ...number, settings, updatedAt: clock.now() });
  });
}
