// @module-tag processes
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import { describe, expect, test } from "vitest";
import { execSettings } from "../../../src/jobs/exec/settings.ts";
import { readEnvFile } from "../../../src/jobs/programs/env-file.ts";
import { makeEnvironment } from "../../../src/jobs/programs/environment.ts";
import { PermanentFailure } from "../../../src/queue/job.ts";
import { tempDir } from "../../support/temp.ts";

const PERIOD = { slotMs: 0, label: "2026-11-21" };

/** The environment of a run whose env_file says this. */
function made(
  file: string | Uint8Array | null,
  settings: object = {},
  ofGateway: Record<string, string> = {},
) {
  const base = tempDir();
  if (file !== null) writeFileSync(join(base, "vars"), file);
  const parsed = v.parse(execSettings, { command: ["df"], ...settings });
  const variables = readEnvFile("work", join(base, "vars"));
  return makeEnvironment(
    { name: "work", variables, settings: parsed, period: PERIOD },
    ofGateway,
    "/run/result.json",
  );
}

function refusal(make: () => unknown): string {
  try {
    make();
  } catch (error) {
    expect(error).toBeInstanceOf(PermanentFailure);
    return (error as Error).message;
  }
  throw new Error("it was not refused");
}

describe("env_file", () => {
  test("gives variables, with quotes, comments and empty ones as shells have them", () => {
    const { env, secrets } = made("# a comment\nexport A=\"two words\"\nB='x # y'\nC=\nTOKEN=abc123\n");
    expect(env).toMatchObject({ A: "two words", B: "x # y", C: "", TOKEN: "abc123" });
    expect(secrets).toEqual(["two words", "x # y", "", "abc123"]);
  });

  test("is over what the gateway sets, and under what afk.yaml says", () => {
    const { env } = made(
      "A=file\nB=file\nANTHROPIC_BASE_URL=file",
      { env: { B: "afk.yaml" }, gateway: true },
      {
        A: "gateway",
        ANTHROPIC_BASE_URL: "gateway",
        OPENAI_BASE_URL: "gateway",
      },
    );
    expect(env).toMatchObject({
      A: "file",
      B: "afk.yaml",
      ANTHROPIC_BASE_URL: "file",
      OPENAI_BASE_URL: "gateway",
      AFK_JOB: "work",
      AFK_PERIOD: "2026-11-21",
    });
  });

  test.each([
    ["is not there", null, {}, /vars cannot be read \(.*ENOENT.*\); make it/],
    ["is larger than 64 KiB", `A=${"x".repeat(65_536)}`, {}, /is larger than 64 KiB/],
    ["holds a NUL", "A=\0", {}, /holds a NUL/],
    ["sets what afk sets", "AFK_JOB=x", {}, /sets "AFK_JOB", which is no name/],
    [
      "sets a provider's key beside a gateway",
      "OPENAI_API_KEY=x",
      { gateway: true },
      /sets OPENAI_API_KEY: .*past every cap/,
    ],
  ])("is refused when it %s", (_name, file, settings, words) => {
    expect(refusal(() => made(file, settings))).toMatch(words);
  });

  test("is refused when it is a pipe, which would be waited for, or a folder", () => {
    const base = tempDir();
    execFileSync("mkfifo", [join(base, "pipe")]);
    for (const name of ["pipe", "."]) {
      const message = refusal(() => readEnvFile("work", join(base, name)));
      expect(message).toMatch(/is no file/);
    }
  });

  test("may hold a provider's key for a job without a gateway", () => {
    expect(made("OPENAI_API_KEY=sk-1").env.OPENAI_API_KEY).toBe("sk-1");
  });
});
