// A request to create a call as the carrier's books keep it: written when it arrives, filled in by
// what became of it.

/** One request to create a call, also when it was refused or never answered. */
export interface CreateRecord {
  /** When the first byte of the request's headers had arrived. */
  readonly arrivedAt: number;
  readonly accountSid: string;
  readonly to: string;
  readonly from: string;
  /** null when no call was made. */
  callSid: string | null;
  /** HTTP status of the answer; null when none was given (or not yet). */
  answerStatus: number | null;
  /** The carrier's code when refused, else null. */
  errorCode: number | null;
  /** Name of the fault that struck this request, else null. */
  fault: string | null;
}
