// What the generator of the API's description cannot know: what a status means, which errors the
// hooks before every handler answer with, that writes take an Idempotency-Key, that a body without
// needed fields may be left out, and that a schema nobody refers to is noise.

interface Operation {
  security?: readonly object[];
  parameters?: object[];
  requestBody?: RequestBody;
  responses?: Record<string, Answer>;
}

interface Answer {
  description?: string;
  content?: Content;
}

interface RequestBody {
  required?: boolean;
  content?: Content;
}

type Content = Record<string, { schema?: { readonly $ref?: string; readonly type?: string } }>;

type Schemas = Record<string, { readonly required?: readonly string[] }>;

export interface OpenApiDocument {
  paths?: Record<string, Record<string, Operation>>;
  components?: { schemas?: Schemas; parameters?: Record<string, object> };
}

const STATUS_MEANINGS: Readonly<Record<string, string>> = {
  "200": "Done.",
  "201": "Created.",
  "400": "The request is wrong; `code` and `details.field` say how.",
  "401": "The credentials are missing, wrong or revoked.",
  "403": "The credentials are good but not for this.",
  "404": "There is no such thing, or it belongs to another key.",
  "409": "It conflicts with what is there.",
  "413": "The body is too large.",
  "415": "The body is of a type that is not taken here.",
  "429": "Too many requests; wait as `Retry-After` says.",
  "500": "A fault of the server; its log holds the details under the request's id.",
  "502": "The carrier refused or did not answer.",
  "503": "The server cannot do this now; try again later.",
};

const IDEMPOTENCY_KEY = {
  name: "Idempotency-Key",
  in: "header",
  required: false,
  description:
    "The same key with the same request within 24 hours answers as the first time " +
    "(`Idempotent-Replayed: true`); with another request it is refused.",
  schema: { type: "string", minLength: 1, maxLength: 255 },
};

// Before a handler is asked: names and texts that cannot be taken, a database that is away.
const STATUSES_OF_ALL = ["400", "503"];
// And a body of any kind, also where none is needed.
const STATUSES_OF_WRITES = ["413", "415"];
// A key that was used for another request, or whose request is still in work.
const STATUS_OF_IDEMPOTENCY = "409";

const WRITES: ReadonlySet<string> = new Set(["post", "put", "patch", "delete"]);
const SCHEMAS = "#/components/schemas/";
const ERROR_CONTENT: Content = { "application/json": { schema: { $ref: `${SCHEMAS}Error` } } };

/** Polishes a generated description in place: the generator hands over a fresh one. */
export function polishOpenApi<T extends OpenApiDocument>(document: T): T {
  const schemas = document.components?.schemas ?? {};
  for (const methods of Object.values(document.paths ?? {})) {
    for (const [method, operation] of Object.entries(methods)) {
      polishOperation(method, operation, schemas);
    }
  }
  document.components = {
    ...document.components,
    schemas: referredTo(schemas, document.paths ?? {}),
    parameters: { IdempotencyKey: IDEMPOTENCY_KEY },
  };
  return document;
}

function polishOperation(method: string, operation: Operation, schemas: Schemas): void {
  const isWrite = WRITES.has(method);
  const takesKey = isWrite && JSON.stringify(operation.security ?? []).includes("apiKey");
  if (takesKey) {
    operation.parameters = [
      ...(operation.parameters ?? []),
      { $ref: "#/components/parameters/IdempotencyKey" },
    ];
  }
  const shared = [
    ...STATUSES_OF_ALL,
    ...(isWrite ? STATUSES_OF_WRITES : []),
    ...(takesKey ? [STATUS_OF_IDEMPOTENCY] : []),
  ];
  operation.responses = polishedAnswers(operation.responses ?? {}, shared);
  const body = operation.requestBody;
  if (body === undefined) return;
  // Only JSON is an object; lines and tables are text to a schema. The generator gives all types
  // one object.
  const content: Content = {};
  for (const [type, one] of Object.entries(body.content ?? {})) {
    content[type] = type === "application/json" ? one : { ...one, schema: { type: "string" } };
  }
  body.content = content;
  body.required = needsFields(body, schemas);
}

/** By status; errors are JSON whatever a success is. */
function polishedAnswers(
  answers: Readonly<Record<string, Answer>>,
  shared: readonly string[],
): Record<string, Answer> {
  const statuses = [...new Set([...Object.keys(answers), ...shared])].sort();
  const polished: Record<string, Answer> = {};
  for (const status of statuses) {
    const { content } = answers[status] ?? {};
    const isJson = content?.["application/json"] !== undefined;
    const chosen = Number(status) >= 400 && !isJson ? ERROR_CONTENT : content;
    const description = STATUS_MEANINGS[status] ?? "";
    polished[status] = { description, ...(chosen !== undefined && { content: chosen }) };
  }
  return polished;
}

function needsFields(body: RequestBody, schemas: Schemas): boolean {
  const reference = body.content?.["application/json"]?.schema?.$ref ?? "";
  return (schemas[reference.slice(SCHEMAS.length)]?.required ?? []).length > 0;
}

/** The schemas that paths lead to, directly or through each other. */
function referredTo(schemas: Schemas, paths: object): Schemas {
  const kept = new Map<string, Schemas[string]>();
  const visit = (part: unknown): void => {
    const references = JSON.stringify(part).matchAll(/"#\/components\/schemas\/([^"]+)"/g);
    for (const [, name = ""] of references) {
      const schema = schemas[name];
      if (schema === undefined || kept.has(name)) continue;
      kept.set(name, schema);
      visit(schema);
    }
  };
  visit(paths);
  return Object.fromEntries([...kept].sort(([one], [other]) => one.localeCompare(other)));
}
