// The carrier's request signature: base64 of HMAC-SHA1 over the exact address and the sorted form
// fields. Written from the specification, so that the official SDK's validator is an independent
// check of it.

import { createHmac } from "node:crypto";

/**
 * Signs one request. `url` is exactly what is requested (query kept, no fragment, no user info).
 * `form` is the POST body; null for GET requests and socket upgrades.
 */
export function signRequest(authToken: string, url: string, form: URLSearchParams | null): string {
  let text = url;
  if (form !== null) {
    const names = [...new Set(form.keys())].sort();
    for (const name of names) {
      const values = [...new Set(form.getAll(name))].sort();
      for (const value of values) text += name + value;
    }
  }
  return createHmac("sha1", authToken).update(text, "utf8").digest("base64");
}
