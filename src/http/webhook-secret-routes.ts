// The secret that signs a key's webhooks (Standard Webhooks). It can be read again, because a
// receiver needs it in clear; a rotation leaves the old one signing beside it for a day.

import { newWebhookSecret } from "../domain/ids.ts";
import {
  ensureWebhookSecrets,
  rotateWebhookSecret,
  type WebhookSecrets,
} from "../store/webhook-secrets.ts";
import { WebhookSecret } from "./contract/webhook.ts";
import { isoTimeOrNull } from "./iso-time.ts";
import { errorAnswers, keyOf, type RouteApp } from "./route-app.ts";
import type { HttpDependencies } from "./server-dependencies.ts";

/** Time to put the new secret into a receiver. */
const PREVIOUS_VALID_MS = 24 * 60 * 60_000;

export function addWebhookSecretRoutes(app: RouteApp, dependencies: HttpDependencies): void {
  const { database, clock, random, secretBox } = dependencies;
  const makeSecret = (): Uint8Array => secretBox.encrypt(newWebhookSecret(random));
  const present = ({ current, previousValidUntil }: WebhookSecrets) => ({
    secret: secretBox.decrypt(current),
    previous_secret_valid_until: isoTimeOrNull(previousValidUntil),
  });
  app.route({
    method: "GET",
    url: "/v1/webhooks/secret",
    config: { access: "key" },
    schema: {
      tags: ["Webhooks"],
      summary: "Get the secret that signs webhooks",
      operationId: "getWebhookSecret",
      response: { 200: WebhookSecret, ...errorAnswers() },
    },
    handler: async (request) =>
      present(await ensureWebhookSecrets(database, keyOf(request).id, makeSecret, clock.now())),
  });
  app.route({
    method: "POST",
    url: "/v1/webhooks/secret/rotate",
    // A stored answer would hold the secret in clear.
    config: { access: "key", idempotency: "never" },
    schema: {
      tags: ["Webhooks"],
      summary: "Replace the secret that signs webhooks",
      description:
        "For a day every delivery is signed with both, the new one first. Idempotency-Key is ignored here.",
      operationId: "rotateWebhookSecret",
      response: { 200: WebhookSecret, ...errorAnswers() },
    },
    handler: async (request) => {
      const now = clock.now();
      const times = { now, previousValidUntil: now + PREVIOUS_VALID_MS };
      return present(await rotateWebhookSecret(database, keyOf(request).id, makeSecret(), times));
    },
  });
}
