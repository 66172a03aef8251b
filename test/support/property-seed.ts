// The seed of all properties of a test file, drawn at its start and printed when one of its tests
// fails. PROPERTY_SEED=N repeats it. (fast-check prints seed and path of the failing case as
// well.)

import fc from "fast-check";
import { afterEach } from "vitest";

const given = process.env["PROPERTY_SEED"];
const seed = given === undefined ? Math.floor(Math.random() * 0x7fffffff) : Number(given);
fc.configureGlobal({ ...fc.readConfigureGlobal(), seed });

afterEach(({ task }) => {
  if (task.result?.state === "fail") console.error(`PROPERTY_SEED=${seed}`);
});
