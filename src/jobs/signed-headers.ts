// How a message to a user's address proves that it is ours: Standard Webhooks, with the secret of
// the key. Webhooks and the calls of an agent's own tools are signed alike.

import { Webhook } from "standardwebhooks";
import { newWebhookSecret } from "../domain/ids.ts";
import type { Instant } from "../domain/instant.ts";
import { ensureWebhookSecrets } from "../store/webhook-secrets.ts";
import type { JobsDependencies } from "./jobs-dependencies.ts";

/** Id, time of this attempt, and one signature for each secret that is valid. */
export async function signedHeaders(
  deps: Pick<JobsDependencies, "database" | "secretBox" | "random">,
  message: { readonly keyId: string; readonly id: string; readonly body: string },
  now: Instant,
): Promise<Readonly<Record<string, string>>> {
  const { database, secretBox, random } = deps;
  const makeSecret = (): Uint8Array => secretBox.encrypt(newWebhookSecret(random));
  const secrets = await ensureWebhookSecrets(database, message.keyId, makeSecret, now);
  const boxes = [secrets.current, ...(secrets.previous === null ? [] : [secrets.previous])];
  const signatures = boxes.map((box) =>
    new Webhook(secretBox.decrypt(box)).sign(message.id, new Date(now), message.body),
  );
  return {
    "content-type": "application/json",
    "webhook-id": message.id,
    "webhook-timestamp": String(Math.floor(now / 1_000)),
    "webhook-signature": signatures.join(" "),
  };
}
