// A value that fits a JSON schema, for tool inputs and structured answers. It knows the few
// keywords that tool schemas use; what it does not know it leaves out. The same schema gives the
// same value.

/** Words to prefer where a schema leaves the choice, best first. */
export type PreferredWords = readonly string[];

type Schema = Readonly<Record<string, unknown>>;

/** Deeper schemas are cut off with null: a schema may refer to itself. */
const MAX_DEPTH = 8;

export function sampleForSchema(schema: unknown, preferred: PreferredWords, depth = 0): unknown {
  if (!isSchema(schema) || depth > MAX_DEPTH) return null;
  const choices = schema["enum"];
  if (Array.isArray(choices)) {
    const words: readonly unknown[] = choices;
    return preferred.find((word) => words.includes(word)) ?? words[0] ?? null;
  }
  if ("const" in schema) return schema["const"];
  const alternatives = schema["anyOf"] ?? schema["oneOf"];
  if (Array.isArray(alternatives)) return sampleForSchema(alternatives[0], preferred, depth + 1);
  return sampleForType(schema, preferred, depth);
}

function sampleForType(schema: Schema, preferred: PreferredWords, depth: number): unknown {
  const { type } = schema;
  switch (Array.isArray(type) ? (type as unknown[])[0] : type) {
    case "object":
      return sampleObject(schema, preferred, depth);
    case "array":
      return [];
    case "string":
      return preferred.at(-1) ?? "";
    case "number":
    case "integer":
      return schema["minimum"] ?? 0;
    case "boolean":
      return true;
    default:
      return null;
  }
}

function sampleObject(schema: Schema, preferred: PreferredWords, depth: number): object {
  const properties = isSchema(schema["properties"]) ? schema["properties"] : {};
  const sample = Object.entries(properties).map(([name, property]) => [
    name,
    sampleForSchema(property, preferred, depth + 1),
  ]);
  return Object.fromEntries(sample) as object;
}

function isSchema(value: unknown): value is Schema {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
