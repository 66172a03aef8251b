// Where an entry of a suppression list came from. Kept for ever: who stopped calls to a phone is
// asked years later.

/**
 * `api`: a request of the key. `csv`: an uploaded file. `operator`: a request of the operator.
 * `call`: said by the person on the phone.
 */
export const SUPPRESSION_SOURCES = ["api", "csv", "operator", "call"] as const;
export type SuppressionSource = (typeof SUPPRESSION_SOURCES)[number];
