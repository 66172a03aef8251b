// What the carrier's folder needs of a logger: pino's three levels, constant messages, facts in
// fields. Never a token; phone numbers only under `pii`.

type Write = (facts: Readonly<Record<string, unknown>>, message: string) => void;

export interface CarrierLog {
  readonly debug: Write;
  readonly info: Write;
  readonly warn: Write;
}
