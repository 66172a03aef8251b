// What a phone does when it is rung, before anybody speaks. Durations are as in life, before the
// speed divides them.

export type PhoneLine =
  | { readonly kind: "answers"; readonly ringMs: number }
  | { readonly kind: "rings_out" }
  | { readonly kind: "busy" }
  /** The callee presses "decline". */
  | { readonly kind: "rejects"; readonly ringMs: number }
  /** No such number. */
  | { readonly kind: "unallocated" }
  /** The network between the carrier and the phone fails. */
  | { readonly kind: "network_fails" };

/** Who belongs to a phone, drawn afresh for every call and always the same for one seed. */
export interface PhoneBook {
  lineOf(phone: string): PhoneLine;
  personaOf(phone: string): string;
}

/** What really picked up; `nobody` is a line that was opened and stays silent. */
export type PickedUpBy = "person" | "machine" | "fax" | "nobody";
