// Dice, so that a simulation can be repeated from its seed. Production draws from the system's
// secure source.

export interface Random {
  /** Secret-grade random bytes in production; seeded in simulation. */
  bytes(length: number): Uint8Array;
  /** Uniform in [0, 1). For jitter and choices, never for secrets. */
  fraction(): number;
}
