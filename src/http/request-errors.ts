// What the schema found wrong with a request, as one error that names the field and says what would
// be right. What is missing comes first, then what is unknown, then what is wrong: the order in
// which a person would mend it.

import type { ZodError } from "zod";

import { AppError, type ErrorCode } from "../domain/app-error.ts";
import { displayable } from "../domain/plain-text.ts";
import type { FieldCodes } from "./contract/field-codes.ts";

// Enough to mend a request in one go; a hostile one could have thousands.
const MAX_LISTED_PROBLEMS = 20;

type Issue = ZodError["issues"][number];

export interface FieldProblem {
  readonly field: string;
  readonly code: ErrorCode;
  /** A whole sentence. */
  readonly message: string;
}

/**
 * @param part body, querystring, params or headers.
 */
export function requestErrorOf(
  error: ZodError,
  part: string,
  codes: FieldCodes | undefined,
): AppError {
  const problems = error.issues.map((issue) => problemOf(issue, part, codes ?? {}));
  const first =
    problems.find((problem) => problem.code === "missing_field") ??
    problems.find((_, index) => error.issues[index]?.code === "unrecognized_keys") ??
    problems[0];
  if (first === undefined)
    throw new Error("a schema refused a request without saying why", { cause: error });
  return fieldError(first, problems);
}

/** An error about one field; further problems are listed beside it. */
export function fieldError(first: FieldProblem, all: readonly FieldProblem[] = []): AppError {
  const details: Record<string, unknown> = { field: first.field };
  if (all.length > 1) {
    details["problems"] = all
      .slice(0, MAX_LISTED_PROBLEMS)
      .map(({ field, message }) => ({ field, message }));
  }
  return new AppError(first.code, { message: first.message, details });
}

function problemOf(issue: Issue, part: string, codes: FieldCodes): FieldProblem {
  const unknown = issue.code === "unrecognized_keys" ? issue.keys.slice(0, 1) : [];
  const field = fieldName([...issue.path, ...unknown]);
  const own = issue.path.length === 1 ? codes[String(issue.path[0])] : undefined;
  if (issue.path.length > 0 && isMissing(issue, own?.isRequired ?? false)) {
    return { field, code: "missing_field", message: `${field} is required.` };
  }
  const isTooLong = issue.code === "too_big" && issue.origin === "string";
  const code = own?.any ?? (isTooLong ? own?.too_long : undefined) ?? "invalid_request";
  const place = fieldName(issue.path);
  const subject = place === "" ? `The ${part === "querystring" ? "query" : part}` : place;
  return { field, code, message: `${subject} ${violation(issue)}.` };
}

function isMissing(issue: Issue, isRequired: boolean): boolean {
  if (issue.code === "too_small") return isRequired && issue.origin === "string";
  if (issue.code !== "invalid_type" && issue.code !== "invalid_value") return false;
  return issue.input === undefined || (isRequired && issue.input === null);
}

/** `recipients[3].variables.name`, cut to what a person wants to read. */
function fieldName(path: readonly PropertyKey[]): string {
  const name = path.reduce<string>((text, key) => {
    if (typeof key === "number") return `${text}[${key}]`;
    return text === "" ? String(key) : `${text}.${String(key)}`;
  }, "");
  return displayable(name, 200);
}

const TYPE_NAMES: Readonly<Record<string, string>> = {
  string: "a string",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  object: "an object",
  record: "an object",
  array: "an array",
};

function violation(issue: Issue): string {
  switch (issue.code) {
    case "invalid_type":
      return `must be ${TYPE_NAMES[issue.expected] ?? issue.expected}`;
    case "too_big":
      return `must be at most ${limit(issue.maximum, issue.origin)}`;
    case "too_small":
      return `must be at least ${limit(issue.minimum, issue.origin)}`;
    case "invalid_value":
      return `must be ${issue.values.map((value) => JSON.stringify(value)).join(" or ")}`;
    case "unrecognized_keys":
      return `has unknown fields: ${displayable(issue.keys.join(", "), 200)}`;
    case "invalid_union":
      return "is of a kind that is not accepted";
    case "invalid_format":
    case "custom":
      return issue.message;
    case "invalid_key":
    case "invalid_element":
    case "not_multiple_of":
      return "is not valid";
  }
}

function limit(bound: number | bigint, origin: string): string {
  if (origin === "string") return `${bound} characters long`;
  if (origin === "array") return `${bound} items long`;
  return String(bound);
}
