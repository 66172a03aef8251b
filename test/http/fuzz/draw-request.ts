// What is done to a sound request before it is sent: who asks, which fields hold what, and how the
// bytes go over the wire. A plan is drawn before the request exists, so that a failing one can be
// shrunk.

import { gzipSync } from "node:zlib";
import fc from "fast-check";
import type { DescribedApi, DescribedSchema, Operation } from "./described-api.ts";
import { drawFromSchema, type Pools } from "./draw-from-schema.ts";
import { hostileText, hostileValue, RawJson, textOfValue } from "./hostile-values.ts";
import type { Possessions } from "./possessions.ts";
import type { SoundRequest } from "./sound-requests.ts";
import type { WireRequest } from "./wire-request.ts";

/** Whose credentials, and whose ids. */
export type Asker = "own" | "others_ids" | "nobody" | "broken" | "operator";

interface Edit {
  readonly place: "path" | "query" | "body";
  readonly name: string;
  /** undefined: the field is left out. */
  readonly value: unknown;
}

interface Wire {
  readonly kind: "plain" | "chunked" | "gzip" | "cut" | "flipped" | "doubled" | "marked" | "empty";
  /** Where it is cut or flipped, as a share of the length. */
  readonly place: number;
  /** null: none. undefined: the right one. */
  readonly contentType: string | null | undefined;
}

export interface Plan {
  readonly asker: Asker;
  readonly edits: readonly Edit[];
  /** The whole body instead of the sound one; undefined: that one. */
  readonly body: unknown;
  readonly wire: Wire;
  readonly idempotencyKey: string | null;
}

const CONTENT_TYPES = [
  null,
  "application/json; charset=utf-16",
  "APPLICATION/JSON",
  "application/json, text/csv",
  "application/problem+json",
  "application/x-ndjson",
  "application/x-www-form-urlencoded",
  "multipart/form-data; boundary=x",
  "text/csv",
  "text/plain",
  "x",
  "/",
] as const;

const plainWire: Wire = { kind: "plain", place: 0, contentType: undefined };
const wire: fc.Arbitrary<Wire> = fc.oneof(
  { weight: 6, arbitrary: fc.constant(plainWire) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constantFrom<Wire["kind"]>(
        "plain",
        "chunked",
        "gzip",
        "cut",
        "flipped",
        "doubled",
        "marked",
        "empty",
      ),
      place: fc.double({ min: 0, max: 1, noNaN: true }),
      contentType: fc.option(fc.constantFrom(...CONTENT_TYPES), { nil: undefined }),
    }),
  },
);

/** Plans for one operation. @param others ids that are not the asker's */
export function drawPlan(
  api: DescribedApi,
  operation: Operation,
  pools: Pools,
  others: Possessions,
): fc.Arbitrary<Plan> {
  const values = (schema: DescribedSchema, name: string): fc.Arbitrary<unknown> =>
    fc.oneof(
      { weight: 3, arbitrary: drawFromSchema(api, pools, schema, name) },
      { weight: 3, arbitrary: hostileValue },
      { weight: 1, arbitrary: fc.constant(undefined) },
    );
  const edit = (place: Edit["place"], name: string, schema: DescribedSchema): fc.Arbitrary<Edit> =>
    fc.record({ place: fc.constant(place), name: fc.constant(name), value: values(schema, name) });
  const json = operation.bodies["application/json"];
  const body = json === undefined ? {} : api.resolve(json);
  const fields = [
    ...operation.parameters.flatMap((one) =>
      one.in === "header" ? [] : [edit(one.in, one.name, one.schema)],
    ),
    ...Object.entries(body.properties ?? {}).map(([name, schema]) => edit("body", name, schema)),
    fc.record({
      place: fc.constantFrom<Edit["place"]>("query", "body"),
      name: hostileText,
      value: hostileValue,
    }),
  ];
  return fc.record({
    asker: fc.oneof(
      { weight: 8, arbitrary: fc.constant<Asker>("own") },
      { weight: 3, arbitrary: fc.constant<Asker>("others_ids") },
      { weight: 1, arbitrary: fc.constantFrom<Asker>("nobody", "broken", "operator") },
    ),
    edits: fc.oneof(
      { weight: 1, arbitrary: fc.constant([]) },
      { weight: 5, arbitrary: fc.array(fc.oneof(...fields), { minLength: 1, maxLength: 3 }) },
    ),
    body: fc.option(
      fc.oneof(hostileValue, ...(json === undefined ? [] : [drawFromSchema(api, pools, json, "")])),
      { freq: 6, nil: undefined },
    ),
    wire,
    idempotencyKey: fc.option(
      fc.oneof(
        fc.constant(others.idempotency_key),
        fc.constantFrom("", "x".repeat(300), "'; --", "\u00e9"),
        fc.string({ maxLength: 20 }).filter((text) => /^[\u0021-\u007e]*$/.test(text)),
      ),
      { freq: 4 },
    ),
  });
}

/** The request that a plan makes of a sound one. */
export function planned(
  operation: Operation,
  sound: SoundRequest,
  plan: Plan,
  others: Possessions,
): Omit<WireRequest, "headers"> & { readonly headers: Record<string, string> } {
  const { params, query, body } = edited(operation, sound, plan, others);
  const bytes = sentBytes(body === undefined ? null : Buffer.from(textOfValue(body)), plan.wire);
  const usualType = bytes === null ? null : sound.contentType;
  const contentType = plan.wire.contentType === undefined ? usualType : plan.wire.contentType;
  return {
    method: operation.method,
    path: filledPath(operation.path, params) + formattedQuery(query),
    headers: {
      ...(contentType !== null && { "content-type": contentType }),
      ...(plan.wire.kind === "gzip" && bytes !== null && { "content-encoding": "gzip" }),
      ...(plan.idempotencyKey !== null && { "idempotency-key": plan.idempotencyKey }),
    },
    body: bytes,
    isChunked: plan.wire.kind === "chunked",
  };
}

interface Edited {
  readonly params: Readonly<Record<string, unknown>>;
  readonly query: Readonly<Record<string, unknown>>;
  readonly body: unknown;
}

function edited(
  operation: Operation,
  sound: SoundRequest,
  plan: Plan,
  others: Possessions,
): Edited {
  const params: Record<string, unknown> = { ...sound.params };
  const query: Record<string, unknown> = { ...sound.query };
  let body = plan.body === undefined ? structuredClone(sound.body) : plan.body;
  if (plan.asker === "others_ids") {
    Object.assign(params, others);
    body = withOthersIds(body, others);
    for (const { in: place, name } of operation.parameters) {
      if (place === "query" && Object.hasOwn(others, name)) query[name] = others[name as "row"];
    }
  }
  const inBody: (readonly [string, unknown])[] = [];
  for (const { place, name, value } of plan.edits) {
    if (place === "path") params[name] = value ?? "x";
    else if (place === "query") query[name] = value;
    else inBody.push([name, value]);
  }
  if (inBody.length > 0 && isFields(body)) {
    // fromEntries makes an own field of any name, `__proto__` too.
    body = Object.fromEntries([...Object.entries(body), ...inBody]);
  }
  return { params, query, body };
}

function isFields(body: unknown): body is Readonly<Record<string, unknown>> {
  const isObject = typeof body === "object" && body !== null && !Array.isArray(body);
  return isObject && !(body instanceof RawJson);
}

/** Ids, phones and numbers of somebody else wherever the body names one. */
function withOthersIds(body: unknown, others: Possessions): unknown {
  if (!isFields(body)) return body;
  const known: Readonly<Record<string, string>> = {
    ...others,
    from_number: others.number,
    phone_number: others.number,
    to_number: others.phone,
  };
  const entries = Object.entries(body).map(([name, value]) => [name, known[name] ?? value]);
  return Object.fromEntries(entries);
}

function sentBytes(bytes: Buffer | null, { kind, place }: Wire): Buffer | null {
  if (bytes === null) return null;
  const at = Math.floor(bytes.length * place);
  switch (kind) {
    case "plain":
    case "chunked":
      return bytes;
    case "gzip":
      return gzipSync(bytes);
    case "cut":
      return bytes.subarray(0, at);
    case "flipped":
      return Buffer.concat([bytes.subarray(0, at), Buffer.of(0xff), bytes.subarray(at + 1)]);
    case "doubled":
      return Buffer.concat([bytes, bytes]);
    case "marked":
      return Buffer.concat([Buffer.of(0xef, 0xbb, 0xbf), bytes]);
    case "empty":
      return Buffer.alloc(0);
  }
}

const textOf = (value: unknown): string =>
  (typeof value === "string" ? value : textOfValue(value ?? null)).toWellFormed();

// Longer than any id, shorter than what Node takes of all headers together.
const MAX_SEGMENT_CHARACTERS = 1_000;
// A name that is a route of its own, or nothing at all, would ask another operation.
const OTHER_ROUTES = /^(\.{0,2}|batch|outbound|check|rotate|replay|preview)$/;

function filledPath(path: string, params: Readonly<Record<string, unknown>>): string {
  return path.replaceAll(/\{(\w+)\}/g, (_, name: string) => {
    const text = textOf(params[name]).slice(0, MAX_SEGMENT_CHARACTERS).toWellFormed();
    return encodeURIComponent(OTHER_ROUTES.test(text) ? "x" : text);
  });
}

function formattedQuery(query: Readonly<Record<string, unknown>>): string {
  const pairs = Object.entries(query).filter(([, value]) => value !== undefined);
  const texts = pairs.map(([name, value]) =>
    [name.toWellFormed(), textOf(value)]
      .map((text) => encodeURIComponent(text.slice(0, 1_000).toWellFormed()))
      .join("="),
  );
  return texts.length === 0 ? "" : `?${texts.join("&")}`;
}
