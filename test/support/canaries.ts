// Recognisable secrets, and a search that finds them as they are, in hex and in base64: what leaks
// is rarely so kind as to look like what was planted.

import { createHash } from "node:crypto";

export interface Canaries {
  /** A new secret, known by name from now on. At least 32 characters of letters and digits. */
  plant(name: string): string;
  /** One that the product made. */
  watch(name: string, secret: string): void;
  /** Names of the secrets that stand in a text, each with what stands around it. */
  foundIn(text: string): readonly string[];
}

const SHOWN_AROUND = 80;

export function createCanaries(): Canaries {
  const forms = new Map<string, string>();
  const watch = (name: string, secret: string): void => {
    forms.set(secret, name);
    forms.set(Buffer.from(secret).toString("hex"), `${name} in hex`);
    // As a part of a longer text base64 begins anywhere; two of three beginnings are cut off here.
    for (const lead of ["", "a", "ab"]) {
      const encoded = Buffer.from(lead + secret).toString("base64");
      forms.set(encoded.slice(lead === "" ? 0 : 4, -4), `${name} in base64`);
    }
  };
  return {
    watch,
    plant: (name) => {
      const secret = createHash("sha256").update(`canary of ${name}`).digest("hex").slice(0, 32);
      watch(name, secret);
      return secret;
    },
    foundIn: (text) =>
      [...forms].flatMap(([form, name]) => {
        const at = text.indexOf(form);
        if (at === -1) return [];
        const around = text.slice(Math.max(0, at - SHOWN_AROUND), at + form.length + SHOWN_AROUND);
        return [`${name}: …${around}…`];
      }),
  };
}
