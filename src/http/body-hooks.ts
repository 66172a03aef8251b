// From bytes on the wire to a body that a schema can look at. An empty body is accepted everywhere,
// whatever its Content-Type says (contract B.2.9): where fields are needed, the schema then names
// the missing ones.

import { createHash } from "node:crypto";

import type { FastifyInstance } from "fastify";

import { AppError } from "../domain/app-error.ts";
import { parseJson, refuseUnsafeValues } from "./request-body.ts";

/** Adds the JSON parser, aliases, and the check for values that cannot be stored. */
export function addBodyHooks(app: FastifyInstance): void {
  app.decorateRequest("bodyHash", null);
  app.removeAllContentTypeParsers();
  app.addContentTypeParser<Buffer>(
    "application/json",
    { parseAs: "buffer" },
    (request, body, done) => {
      try {
        request.bodyHash = createHash("sha256").update(body).digest();
        done(null, parseJson(body));
      } catch (error) {
        done(error as Error);
      }
    },
  );
  app.addContentTypeParser<Buffer>("*", { parseAs: "buffer" }, (_request, body, done) => {
    if (body.length === 0) {
      done(null, undefined);
      return;
    }
    const message = "Send the body as JSON, with the header Content-Type: application/json.";
    done(new AppError("unsupported_media_type", { message }));
  });
  app.addHook("preValidation", (request, _reply, done) => {
    refuseUnsafeValues(request.params);
    refuseUnsafeValues(request.query);
    if (!Buffer.isBuffer(request.body)) {
      refuseUnsafeValues(request.body);
      if (request.routeOptions.schema?.body !== undefined) {
        request.body = renamed(request.body ?? {}, request.routeOptions.config.aliases);
      }
    }
    done();
  });
}

function renamed(body: unknown, aliases: Readonly<Record<string, string>> | undefined): unknown {
  if (aliases === undefined || typeof body !== "object" || body === null) return body;
  // A field's own name wins over its alias, whatever their order.
  const entries = Object.entries(body);
  const fromAliases = entries.flatMap(([name, value]) =>
    Object.hasOwn(aliases, name) ? [[aliases[name], value] as const] : [],
  );
  return { ...Object.fromEntries(fromAliases), ...Object.fromEntries(entries) };
}
