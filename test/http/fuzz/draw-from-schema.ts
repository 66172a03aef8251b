// From a schema of the description to values that fit it, its edges first: shortest, longest,
// smallest, largest. What a schema cannot say (that a text is a phone, an id, a zone) is drawn from
// pools by the field's name.

import fc from "fast-check";
import type { DescribedApi, DescribedSchema } from "./described-api.ts";

/** Sound values by field name. */
export type Pools = Readonly<Record<string, fc.Arbitrary<unknown>>>;

// Longer texts are drawn as hostile values.
const MAX_DRAWN_LENGTH = 600;
const MAX_DEPTH = 4;

type Draw = (schema: DescribedSchema, name: string, depth: number) => fc.Arbitrary<unknown>;

/** Values of a field. */
export function drawFromSchema(
  api: Pick<DescribedApi, "resolve">,
  pools: Pools,
  schema: DescribedSchema,
  name: string,
): fc.Arbitrary<unknown> {
  const draw: Draw = (referring, field, depth) => {
    const described = api.resolve(referring);
    const pool = pools[field];
    const own = drawKind(described, field, depth, draw);
    return pool === undefined ? own : fc.oneof({ weight: 4, arbitrary: pool }, own);
  };
  return draw(schema, name, 0);
}

function drawKind(
  schema: DescribedSchema,
  name: string,
  depth: number,
  draw: Draw,
): fc.Arbitrary<unknown> {
  if (schema.const !== undefined) return fc.constant(schema.const);
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum);
  if (schema.anyOf !== undefined) {
    return fc.oneof(...schema.anyOf.map((one) => draw(one, name, depth)));
  }
  if (typeof schema.type === "object") {
    return fc.oneof(...schema.type.map((type) => draw({ ...schema, type }, name, depth)));
  }
  switch (schema.type) {
    case "string":
      return drawText(schema);
    case "integer":
    case "number":
      return drawNumber(schema);
    case "boolean":
      return fc.boolean();
    case "null":
      return fc.constant(null);
    case "array":
      return drawList(schema, name, depth, draw);
    case "object":
      return drawObject(schema, depth, draw);
    case undefined:
    default:
      return fc.jsonValue({ maxDepth: 2 });
  }
}

function drawText({ pattern, minLength = 0, maxLength = 80 }: DescribedSchema) {
  if (pattern !== undefined) return fc.stringMatching(new RegExp(pattern));
  const most = Math.min(maxLength, MAX_DRAWN_LENGTH);
  return fc.oneof(
    fc.string({ unit: "grapheme", minLength, maxLength: Math.max(minLength, most) }),
    fc.constantFrom("x".repeat(minLength), "y".repeat(maxLength)),
  );
}

function drawNumber({ type, minimum = -1e6, maximum = 1e6 }: DescribedSchema) {
  const edges = fc.constantFrom(minimum, maximum, (minimum + maximum) / 2);
  if (type === "integer") {
    return fc.oneof(fc.integer({ min: minimum, max: Math.min(maximum, 2 ** 31 - 1) }), edges);
  }
  return fc.oneof(fc.double({ min: minimum, max: maximum, noNaN: true }), edges);
}

function drawList(schema: DescribedSchema, name: string, depth: number, draw: Draw) {
  if (schema.items === undefined || depth >= MAX_DEPTH) return fc.constant([]);
  return fc.array(draw(schema.items, name, depth + 1), {
    minLength: schema.minItems ?? 0,
    maxLength: Math.min(schema.maxItems ?? 4, 4),
  });
}

function drawObject(schema: DescribedSchema, depth: number, draw: Draw): fc.Arbitrary<unknown> {
  const properties = Object.entries(schema.properties ?? {});
  if (properties.length > 0 && depth < MAX_DEPTH) {
    const fields = properties.map(([name, one]) => [name, draw(one, name, depth + 1)] as const);
    return fc.record(Object.fromEntries(fields), { requiredKeys: [...(schema.required ?? [])] });
  }
  const values =
    typeof schema.additionalProperties === "object" && depth < MAX_DEPTH
      ? draw(schema.additionalProperties, "", depth + 1)
      : fc.jsonValue({ maxDepth: 1 });
  return fc.dictionary(fc.string({ minLength: 1, maxLength: 20 }), values, { maxKeys: 3 });
}
