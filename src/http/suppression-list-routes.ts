// Reading suppressions and removing one. A key sees and removes its own; the operator those of the
// installation. Only the check looks at both.

import { AppError } from "../domain/app-error.ts";
import { parsePhone, type E164 } from "../domain/phone.ts";
import { findSuppressions, listSuppressions, removeSuppression } from "../store/suppressions.ts";
import {
  CheckSuppressionQuery,
  RemovedSuppression,
  SuppressionCheck,
  SuppressionList,
  SuppressionListQuery,
  SuppressionParams,
} from "./contract/suppression.ts";
import { presentReasonToNotCall, presentSuppression } from "./present-suppression.ts";
import { errorAnswers, type RouteApp } from "./route-app.ts";
import type { HttpDependencies } from "./server-dependencies.ts";

export function addSuppressionListRoutes(app: RouteApp, dependencies: HttpDependencies): void {
  addList(app, dependencies);
  addCheck(app, dependencies);
  addRemove(app, dependencies);
}

function addList(app: RouteApp, { database }: HttpDependencies): void {
  app.route({
    method: "GET",
    url: "/v1/suppressions",
    config: { access: "key_or_operator" },
    schema: {
      tags: ["Suppressions"],
      summary: "List suppressions, newest first",
      operationId: "listSuppressions",
      querystring: SuppressionListQuery,
      response: { 200: SuppressionList, ...errorAnswers(400) },
    },
    handler: async (request) => {
      const { phone, reason, source, limit, offset } = request.query;
      const rows = await listSuppressions(database, request.apiKey?.id ?? null, {
        phone: phone === undefined ? null : readPhone(phone),
        reason: reason ?? null,
        source: source ?? null,
        limit,
        offset,
      });
      return { suppressions: rows.map(presentSuppression), count: rows.length };
    },
  });
}

function addCheck(app: RouteApp, { database }: HttpDependencies): void {
  app.route({
    method: "GET",
    url: "/v1/suppressions/check",
    config: { access: "key_or_operator" },
    schema: {
      tags: ["Suppressions"],
      summary: "Whether a phone may not be called, and why",
      description:
        "For a key: by its own entry, the operator's, or both; of the operator's it learns only since when. For the operator: by the installation's.",
      operationId: "checkSuppression",
      querystring: CheckSuppressionQuery,
      response: { 200: SuppressionCheck, ...errorAnswers(400) },
    },
    handler: async (request) => {
      const phone = readPhone(request.query.phone);
      const isOperator = request.apiKey === null;
      const rows = await findSuppressions(database, request.apiKey?.id ?? null, phone);
      return {
        phone,
        suppressed: rows.length > 0,
        suppressed_by: rows.map((row) => presentReasonToNotCall(row, isOperator)),
      };
    },
  });
}

function addRemove(app: RouteApp, { database }: HttpDependencies): void {
  app.route({
    method: "DELETE",
    url: "/v1/suppressions/:suppression_id",
    config: { access: "key_or_operator" },
    schema: {
      tags: ["Suppressions"],
      summary: "Remove a suppression",
      description:
        "The phone may be called again from now on. Recipients that ended as suppressed stay so.",
      operationId: "removeSuppression",
      params: SuppressionParams,
      response: { 200: RemovedSuppression, ...errorAnswers(404) },
    },
    handler: async (request) => {
      const { suppression_id } = request.params;
      const keyId = request.apiKey?.id ?? null;
      if (!(await removeSuppression(database, keyId, suppression_id))) {
        const message = "There is no such suppression in this list.";
        throw new AppError("suppression_not_found", { message });
      }
      return { suppression_id, removed: true as const };
    },
  });
}

function readPhone(text: string): E164 {
  // A plus sign that nobody escaped arrives as a space.
  const parsed = parsePhone(text.replace(/^ /, "+"));
  if (parsed.kind === "valid") return parsed.phone;
  throw new AppError("invalid_phone_format", {
    message: `phone ${parsed.reason}.`,
    details: { field: "phone" },
  });
}
