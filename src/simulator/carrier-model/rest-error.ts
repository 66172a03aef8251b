// Errors as the carrier's REST API words them: a code, an HTTP status and a sentence.
// The list holds the codes this simulator gives by itself; faults may ask for any other code.

export interface RestError {
  readonly kind: "error";
  readonly code: number;
  /** HTTP status of the answer. */
  readonly status: number;
  readonly message: string;
}

// Statuses of 10004, 20005 and 22005 are not documented; 400 is what every other refusal of a
// create has.
const KNOWN: Readonly<Record<number, { readonly status: number; readonly message: string }>> = {
  10001: { status: 403, message: "Account is not active" },
  10004: { status: 400, message: "Call concurrency limit exceeded" },
  20001: { status: 400, message: "Invalid parameter" },
  20003: { status: 401, message: "Authenticate" },
  20004: { status: 405, message: "Method not allowed" },
  20005: { status: 403, message: "Account not active" },
  20403: { status: 403, message: "Forbidden" },
  20404: { status: 404, message: "The requested resource was not found" },
  20422: { status: 400, message: "Invalid parameter" },
  20429: { status: 429, message: "Too Many Requests" },
  20500: { status: 500, message: "An internal server error has occurred" },
  20503: { status: 503, message: "Service unavailable" },
  21201: { status: 400, message: "No 'To' number is specified" },
  21202: { status: 400, message: "'To' is a premium number and may not be called" },
  21203: { status: 400, message: "International calling is not enabled for this account" },
  21205: { status: 400, message: "Url is not a valid URL" },
  21206: { status: 400, message: "SendDigits is not valid" },
  21208: { status: 400, message: "Timeout is not valid" },
  21209: { status: 400, message: "Method is not valid" },
  21210: { status: 400, message: "'From' is not a number or verified caller id of this account" },
  21211: { status: 400, message: "Invalid 'To' phone number" },
  21212: { status: 400, message: "Invalid 'From' phone number" },
  21213: { status: 400, message: "No 'From' number is specified" },
  21214: { status: 400, message: "'To' phone number cannot be reached" },
  21215: { status: 400, message: "This account may not call numbers in that country" },
  21216: { status: 400, message: "This account may not call that number" },
  21217: { status: 400, message: "Phone number does not appear to be valid" },
  21218: { status: 400, message: "ApplicationSid is not valid" },
  21219: {
    status: 400,
    message: "'To' is not verified. Trial accounts may only call verified numbers",
  },
  21220: { status: 400, message: "Call is not in-progress. Cannot redirect." },
  21234: { status: 400, message: "MachineDetection is not valid" },
  22005: { status: 400, message: "Call queue is full" },
  32018: { status: 400, message: "Twiml is longer than 4000 characters" },
};

/**
 * Codes under which a request was certainly not carried out are 4xx; `detail` is added to the
 * sentence.
 */
export function restError(code: number, detail?: string): RestError {
  const known = KNOWN[code] ?? { status: 400, message: "The request was refused" };
  const message = detail === undefined ? known.message : `${known.message}: ${detail}`;
  return { kind: "error", code, status: known.status, message };
}
