// docs/errors.md is made, not written: this holds it to the catalogue.

import { expect, test } from "vitest";
import { renderErrorPage } from "../scripts/error-page.ts";

test("docs/errors.md is what the catalogue says (vitest -u writes it anew)", async () => {
  await expect(renderErrorPage()).toMatchFileSnapshot("../docs/errors.md");
});
