// The answer to a question about a finished call: summary, mood and extracted fields, taken from
// the transcript in the question, each with words that are really in it. The same talk gives the
// same answer.

type Schema = Readonly<Record<string, unknown>>;

/** null: the schema does not ask for an analysis. */
export function answerAnalysis(schema: unknown, question: string): object | null {
  const properties = propertiesOf(schema);
  if (!("summary" in properties && "extracted" in properties)) return null;
  const lines = [...question.matchAll(/^Caller: (.+)$/gm)].map((match) => match[1] ?? "");
  const isRefusal = lines.some((line) =>
    /\b(not interested|wrong number|stop calling)\b/i.test(line),
  );
  return {
    summary: `The person said: ${lines.slice(0, 3).join(" ")}`.slice(0, 300),
    successful: lines.length > 0 && !isRefusal,
    sentiment: isRefusal
      ? "frustrated"
      : lines.some((line) => /\b(thank|great)/i.test(line))
        ? "happy"
        : "neutral",
    extracted: Object.fromEntries(
      Object.entries(propertiesOf(properties["extracted"])).map(([name, field]) => [
        name,
        extract(propertiesOf(field)["value"], lines),
      ]),
    ),
  };
}

function extract(schema: unknown, lines: readonly string[]): object {
  const value = isSchema(schema) ? schema : {};
  const types = [value["type"]].flat();
  const choices = Array.isArray(value["enum"]) ? (value["enum"] as unknown[]) : null;
  for (const line of lines) {
    const found = choices === null ? readLine(line, types) : choose(line, choices);
    if (found !== null) return { value: found, quote: line };
  }
  return { value: null, quote: null };
}

function readLine(line: string, types: readonly unknown[]): string | number | boolean | null {
  if (types.includes("string")) return line;
  if (types.includes("number")) {
    const digits = /\d+/.exec(line);
    return digits === null ? null : Number(digits[0]);
  }
  if (/\byes\b/i.test(line)) return true;
  return /\bno\b/i.test(line) ? false : null;
}

function choose(line: string, choices: readonly unknown[]): string | null {
  const words = choices.filter((choice) => typeof choice === "string");
  return words.find((word) => line.toLowerCase().includes(word.toLowerCase())) ?? null;
}

function propertiesOf(schema: unknown): Schema {
  if (!isSchema(schema)) return {};
  return isSchema(schema["properties"]) ? schema["properties"] : {};
}

function isSchema(value: unknown): value is Schema {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
