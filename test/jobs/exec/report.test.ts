import { expect, it } from "vitest";
import { execReport } from "../../../src/jobs/exec/report.ts";
import { headAndTail } from "../../../src/jobs/programs/output.ts";

const plain = (text: string) => text;
const report = (stdout: string) => execReport({ stdout, truncated: false }, { summary: "exit 0 after 1 s" });

it("says what the command printed, its first line as the title, its columns as they are", () => {
  expect(report("\n3 files changed\n  a.md   +3\n  b.md   -1\n")).toMatchObject({
    title: "3 files changed",
    text: "3 files changed\n  a.md   +3\n  b.md   -1",
    counts: "exit 0 after 1 s",
    isNews: true,
  });
  expect(report("done\n")).toMatchObject({ title: "done", text: "" });
});

it("has nothing to tell of a command that printed nothing", () => {
  expect(report(" \n\n")).toMatchObject({ title: "nothing printed", text: "", isNews: false });
});

it("keeps the beginning and the end of a long output", () => {
  const text = headAndTail(`first\n${"x".repeat(200_000)}\nlast`, plain);
  expect(text.length).toBeLessThan(8_100);
  expect(text).toMatch(/^first\nx+\n\[\d+ characters left out\]\nx+\nlast$/);
});

it("shows no secret, and no half of one, wherever it stands", () => {
  const redact = (text: string) => text.replaceAll("correct-horse-battery", "[redacted]");
  for (const before of [0, 3_990, 4_000, 49_990, 50_005, 99_990, 149_995]) {
    const stdout = `${"x".repeat(before)}correct-horse-battery${"y".repeat(150_000 - before)}`;
    const text = headAndTail(stdout, redact);
    expect(text).not.toMatch(/correct|horse|battery/);
  }
});
