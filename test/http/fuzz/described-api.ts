// The API as it describes itself: its operations, and a judge of answers that holds them to the
// description's own schemas. A route that is added later is found here without anybody thinking of
// it.

import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import formats from "ajv-formats";

/** A schema of the description, as far as requests are drawn from it. */
export interface DescribedSchema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly anyOf?: readonly DescribedSchema[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly pattern?: string;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly items?: DescribedSchema;
  readonly properties?: Readonly<Record<string, DescribedSchema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | DescribedSchema;
  readonly examples?: readonly unknown[];
}

export interface Parameter {
  readonly in: "path" | "query" | "header";
  readonly name: string;
  readonly schema: DescribedSchema;
}

export interface Operation {
  /** `GET /v1/agents/{agent_id}` */
  readonly name: string;
  readonly method: string;
  readonly path: string;
  /** Who may ask. */
  readonly access: readonly ("apiKey" | "operatorToken")[];
  readonly parameters: readonly Parameter[];
  /** By content type; empty when there is no body. */
  readonly bodies: Readonly<Record<string, DescribedSchema>>;
  readonly needsBody: boolean;
  /** Statuses that are described. */
  readonly statuses: readonly number[];
}

export interface DescribedApi {
  readonly operations: readonly Operation[];
  /** Follows references until there is none. */
  resolve(schema: DescribedSchema): DescribedSchema;
  /** What is wrong with an answer's body; null: it is as described. */
  faultOf(operation: Operation, status: number, contentType: string, body: string): string | null;
}

/** @param document the served /openapi.json */
export function describedApi(document: any): DescribedApi {
  const ajv = new Ajv2020({ strict: false, allErrors: false });
  formats.default(ajv);
  ajv.addSchema(document, "openapi");
  const at = (pointer: string): any =>
    pointer
      .split("/")
      .slice(1)
      .reduce<any>(
        (part, step) => part[step.replaceAll("~1", "/").replaceAll("~0", "~")],
        document,
      );
  const resolve = (schema: DescribedSchema): DescribedSchema =>
    schema.$ref === undefined ? schema : resolve(at(schema.$ref.slice(1)));
  const validators = new Map<string, ValidateFunction>();
  const validatorAt = (pointer: string): ValidateFunction => {
    const known = validators.get(pointer);
    if (known !== undefined) return known;
    const made = ajv.compile({ $ref: `openapi#${pointer}` });
    validators.set(pointer, made);
    return made;
  };
  return {
    operations: operationsOf(document, at),
    resolve,
    faultOf: ({ path, method }, status, contentType, body) => {
      const place = `/paths/${escaped(path)}/${method.toLowerCase()}/responses/${status}`;
      const answer = document.paths[path][method.toLowerCase()].responses[status];
      if (answer === undefined) return `status ${status} is not described`;
      const type = contentType.split(";", 1)[0] ?? "";
      if (answer.content?.[type] === undefined) return `${type} is not described for ${status}`;
      const validate = validatorAt(`${place}/content/${escaped(type)}/schema`);
      const value: unknown = type === "application/json" ? JSON.parse(body) : body;
      return validate(value) ? null : ajv.errorsText(validate.errors);
    },
  };
}

const escaped = (step: string): string =>
  encodeURIComponent(step.replaceAll("~", "~0").replaceAll("/", "~1"));

function operationsOf(document: any, at: (pointer: string) => any): Operation[] {
  return Object.entries<Record<string, any>>(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({
      name: `${method.toUpperCase()} ${path}`,
      method: method.toUpperCase(),
      path,
      access: operation.security.flatMap((one: object) => Object.keys(one)),
      parameters: (operation.parameters ?? []).map((one: any) =>
        one.$ref === undefined ? one : at(one.$ref.slice(1)),
      ),
      bodies: Object.fromEntries(
        Object.entries<any>(operation.requestBody?.content ?? {}).map(([type, content]) => [
          type,
          content.schema,
        ]),
      ),
      needsBody: operation.requestBody?.required === true,
      statuses: Object.keys(operation.responses).map(Number),
    })),
  );
}
