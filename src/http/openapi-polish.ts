// What the generator of the API's description cannot know: what a status means, that writes take an
// Idempotency-Key, that a body without needed fields may be left out, and that a schema nobody
// refers to is noise.

interface Operation {
  security?: readonly object[];
  parameters?: object[];
  requestBody?: RequestBody;
  responses?: Record<string, { description?: string }>;
}

interface RequestBody {
  required?: boolean;
  readonly content?: Record<
    string,
    { schema?: { readonly $ref?: string; readonly type?: string } }
  >;
}

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

const WRITES: ReadonlySet<string> = new Set(["post", "put", "patch", "delete"]);
const SCHEMAS = "#/components/schemas/";

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
  for (const [status, answer] of Object.entries(operation.responses ?? {})) {
    answer.description = STATUS_MEANINGS[status] ?? "";
  }
  const isKeys = JSON.stringify(operation.security ?? []).includes("apiKey");
  if (isKeys && WRITES.has(method)) {
    operation.parameters = [
      ...(operation.parameters ?? []),
      { $ref: "#/components/parameters/IdempotencyKey" },
    ];
  }
  // Only JSON is an object; lines and tables are text to a schema.
  for (const [type, content] of Object.entries(operation.requestBody?.content ?? {})) {
    if (type !== "application/json") content.schema = { type: "string" };
  }
  if (operation.requestBody !== undefined) {
    operation.requestBody.required = needsFields(operation.requestBody, schemas);
  }
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
