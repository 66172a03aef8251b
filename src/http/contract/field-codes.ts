// Which error code a field's violation answers when it has one of its own (`prompt_too_long`). A
// schema cannot carry it, so each noun lists them beside its schema and its routes name the list.

import type { ErrorCode } from "../../domain/app-error.ts";

/**
 * By field. `too_long`: for a value past its maximum length. `any`: for everything wrong with it.
 * `isRequired`: null and "" count as missing.
 */
export type FieldCodes = Readonly<
  Record<
    string,
    { readonly too_long?: ErrorCode; readonly any?: ErrorCode; readonly isRequired?: true }
  >
>;
