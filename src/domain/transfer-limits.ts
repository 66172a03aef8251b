// How long a call that is handed over to a colleague may take without us.

/** Their phone rings for so long. */
export const TRANSFER_RING_SECONDS = 30;
/** And then the two talk for at most so long: nobody of ours would notice a line left open. */
export const MAX_TRANSFER_SECONDS = 3_600;
