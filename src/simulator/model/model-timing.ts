// How fast the pretend model answers, in milliseconds of real time: the speed of a run does not
// divide it.

export interface ModelTiming {
  readonly firstTokenMs: number;
  readonly perTokenMs: number;
}

/** Quick for a hosted model, so that conversations at high speed are not all waiting for it. */
export const DEFAULT_MODEL_TIMING: ModelTiming = { firstTokenMs: 150, perTokenMs: 10 };
