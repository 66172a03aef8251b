// The order of the test files. The few that take minutes start first, so that the rest fills the
// time in which they wait, and no run ends with one worker at work and the others idle.

import { BaseSequencer, type TestSpecification } from "vitest/node";

/** Starts of paths. Those that mostly wait come before those that compute. */
const FIRST = [
  "race/restore",
  "race/kill",
  "race/database-outages",
  "race/webhooks",
  "simulation/",
  "race/",
  "app/embedded-postgres",
  "e2e/",
];

export class SlowestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rest = await super.sort(files);
    return rest.toSorted((a, b) => rank(a) - rank(b));
  }
}

function rank(file: TestSpecification): number {
  const place = FIRST.findIndex((name) => file.moduleId.includes(`/test/${name}`));
  return place === -1 ? FIRST.length : place;
}
