// Where the simulator reports what it finds odd about the caller's requests. The shape is pino's,
// so pino fits as it is.

export interface SimulatorLog {
  info(facts: object, message: string): void;
  warn(facts: object, message: string): void;
  error(facts: object, message: string): void;
}
