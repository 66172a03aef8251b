// What must be true of a rehearsal: a list of checks in a YAML file, each for everybody or for some
// of the people. A check that nobody is subject to is a mistake in the file.

import { z } from "zod";
import { fillPlaceholders } from "../../agent/placeholders.ts";
import type { RehearsedTalk } from "./rehearse-talk.ts";
import { readYaml } from "./read-yaml.ts";

const list = <S extends z.ZodType>(item: S) =>
  z
    .preprocess(
      (value): readonly unknown[] => (Array.isArray(value) ? value : [value]),
      z.array(item).min(1),
    )
    .optional();

const phrase = z
  .string()
  .min(1)
  .refine((text) => readPattern(text) !== null, "is not a regular expression");
const toolName = z.string().regex(/^[\w-]{1,64}$/, "is not the name of a tool");
const outcome = z.enum([
  "completed",
  "callee_hangup",
  "transferred",
  "voicemail_detected",
  "silence_timeout",
  "max_duration_reached",
  "failed",
]);

const CHECKS = {
  /** Said by the agent: words, or a /regular expression/. {name} is the person's own variable. */
  must_mention: list(phrase),
  must_not_say: list(phrase),
  must_call_tool: list(toolName),
  must_not_call_tool: list(toolName),
  /** Field of data_extraction_fields → the value that the analysis finds; null: none. */
  extracted_field: z
    .record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()]))
    .optional(),
  /** Why the talk ended: one of these. */
  outcome: list(outcome),
};

const Assertion = z.strictObject({
  /** Whom it is about; everybody when missing. */
  for: z.strictObject({ persona: z.string().optional(), phone: z.string().optional() }).optional(),
  ...CHECKS,
});

const AssertionFile = z.strictObject({ assertions: z.array(Assertion).min(1) });
type Assertion = z.output<typeof Assertion>;

export interface Assertions {
  /** Extracted fields are asserted: the talks must be analysed. */
  readonly needAnalysis: boolean;
  /** What does not hold, in words, for each talk. */
  check(talks: readonly RehearsedTalk[]): readonly Failure[];
}

export interface Failure {
  readonly phone: string;
  readonly message: string;
}

/** @throws Error naming line and field */
export function readAssertions(
  file: string,
  people: readonly { readonly persona: string; readonly phone: string }[],
  fieldNames: readonly string[],
): Assertions {
  const { value, fault } = readYaml(file, AssertionFile);
  for (const [index, assertion] of value.assertions.entries()) {
    const path = ["assertions", index];
    if (!Object.keys(CHECKS).some((name) => name in assertion)) {
      throw fault(path, `checks nothing; name one of ${Object.keys(CHECKS).join(", ")}`);
    }
    if (!people.some((person) => isAbout(assertion, person))) {
      throw fault([...path, "for"], "is nobody of the list");
    }
    const unknown = Object.keys(assertion.extracted_field ?? {}).find(
      (name) => !fieldNames.includes(name),
    );
    if (unknown !== undefined) {
      const known = fieldNames.length === 0 ? "it has none" : `it has ${fieldNames.join(", ")}`;
      const place = [...path, "extracted_field", unknown];
      throw fault(place, `is not in the agent's data_extraction_fields; ${known}`);
    }
  }
  return {
    needAnalysis: value.assertions.some((each) => each.extracted_field !== undefined),
    check: (talks) =>
      talks.flatMap((talk) =>
        value.assertions
          .filter((assertion) => isAbout(assertion, talk.person))
          .flatMap((assertion) => faultsOf(assertion, talk))
          .map((message) => ({ phone: talk.person.phone, message })),
      ),
  };
}

function isAbout(
  assertion: Assertion,
  person: { readonly persona: string; readonly phone: string },
): boolean {
  const { persona = person.persona, phone = person.phone } = assertion.for ?? {};
  return persona === person.persona && phone === person.phone;
}

function faultsOf(assertion: Assertion, talk: RehearsedTalk): readonly string[] {
  const said = talk.transcript
    .filter((line) => line.role === "agent")
    .map((line) => line.text)
    .join(" ");
  const says = (text: string) =>
    readPattern(fillPlaceholders(text, talk.person.variables, {}))?.test(said) === true;
  const called = new Set(talk.toolCalls.map((call) => call.name));
  const { extracted_field: fields = {}, outcome: outcomes } = assertion;
  return [
    ...(assertion.must_mention ?? []).filter((text) => !says(text)).map(quote("never said")),
    ...(assertion.must_not_say ?? []).filter(says).map(quote("said")),
    ...(assertion.must_call_tool ?? [])
      .filter((name) => !called.has(name))
      .map((name) => `did not call ${name}`),
    ...(assertion.must_not_call_tool ?? [])
      .filter((name) => called.has(name))
      .map((name) => `called ${name}`),
    ...Object.entries(fields).flatMap(([name, wanted]) => {
      const found = talk.analysis?.extracted[name] ?? null;
      return found === wanted ? [] : [`${name} is ${show(found)}, not ${show(wanted)}`];
    }),
    ...(outcomes === undefined || outcomes.some((each) => each === talk.endedReason)
      ? []
      : [`ended ${talk.endedReason}, not ${outcomes.join(" or ")}`]),
  ];
}

const quote = (what: string) => (text: string) => `${what} ${JSON.stringify(text)}`;
const show = (value: unknown) => JSON.stringify(value);

/** null: it is between slashes and not a regular expression. Spaces are any white space. */
function readPattern(text: string): RegExp | null {
  const slashed = /^\/(.+)\/([iu]*)$/s.exec(text);
  try {
    if (slashed !== null) return new RegExp(slashed[1] ?? "", slashed[2]);
  } catch {
    return null;
  }
  return new RegExp(RegExp.escape(text.trim()).replaceAll(/(\\x20|\s)+/g, "\\s+"), "iu");
}
