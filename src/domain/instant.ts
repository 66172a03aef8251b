// A point in time as every room writes it.

/** Epoch milliseconds (UTC) on the installation's clock. */
export type Instant = number;
