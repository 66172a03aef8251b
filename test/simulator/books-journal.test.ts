// A carrier that was killed comes back with its books: what it took, whom it answered, and which
// calls its death ended.

import { appendFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { openBooksFile } from "../../src/app/books-file.ts";
import { waitFor } from "../support/wait-for.ts";
import { control, FROM, sdkFor, startTestSimulator } from "./test-simulator.ts";

const TWIML = "<Response><Pause length='60'/></Response>";
const BUSY = "+12025550110";
const TALKS = "+12025550111";
const RINGS = "+12025550112";

test("a killed carrier comes back with its books, and its open calls have ended", async () => {
  const directory = mkdtempSync(join(tmpdir(), "carillon-books-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const path = join(directory, "books");
  const people = { [BUSY]: "busy", [TALKS]: "silent", [RINGS]: "no_answer" };
  // Slow enough for the phone that nobody answers to ring while the others get on.
  const speed = 5;
  const first = await startTestSimulator({ people, speed, journal: openBooksFile(path) });
  const client = sdkFor(first);
  const dial = (to: string) => client.calls.create({ to, from: FROM, twiml: TWIML });
  const sids = await Promise.all([BUSY, TALKS, RINGS].map(async (to) => (await dial(to)).sid));
  await waitFor(
    () => {
      const [busy, talks, rings] = sids.map((sid) => first.books().findCall(sid)?.status);
      return busy === "busy" && talks === "in-progress" && rings === "ringing";
    },
    { describe: "one call to be busy, one to talk, one to ring" },
  );
  // As after kill -9: the file is what is left. Its last line was being written.
  const journal = openBooksFile(path);
  appendFileSync(path, '{"kind":"ca');
  await first.close();

  const second = await startTestSimulator({ people, journal: openBooksFile(path) });
  onTestFinished(() => second.close());
  expect(journal.lines.length).toBeGreaterThan(9);
  const statuses = sids.map((sid) => second.books().findCall(sid)?.status);
  expect(statuses).toEqual(["busy", "completed", "failed"]);
  expect(second.books().findCall(sids[1] ?? "")?.request?.statusEvents).toEqual(
    new Set(["completed"]),
  );
  expect(second.books().creates).toMatchObject(sids.map((callSid) => ({ callSid })));
  expect(
    await sdkFor(second)
      .calls(sids[2] ?? "")
      .fetch(),
  ).toMatchObject({ status: "failed" });
  const again = await sdkFor(second).calls.create({ to: BUSY, from: FROM, twiml: TWIML });
  expect(sids).not.toContain(again.sid);

  expect(await control(second, "POST", "/reset")).toMatchObject({ status: 200 });
  const third = await startTestSimulator({ journal: openBooksFile(path) });
  onTestFinished(() => third.close());
  expect([...third.books().calls()]).toEqual([]);
});
