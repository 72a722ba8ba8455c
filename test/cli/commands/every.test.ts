import { existsSync } from "node:fs";
import { expect, it } from "vitest";
import { deployment, digestConfig } from "../../support/afk.ts";
import { afk } from "./in-process.ts";

const LINES = [
  "adopt",
  "dashboard",
  "init --yes",
  "doctor --offline",
  "tick",
  "run",
  "enqueue digest",
  "deliver digest",
  "stop",
  "resume",
  "status",
  "jobs",
  "jobs show KEY",
  "dead",
  "dead retry KEY",
  "ledger",
  "ledger reconcile ID --usd 0",
  "logs",
  "health",
  "watchdog",
  "simulate --days 1",
  "demo",
  "alert test",
  "alert unit afk.service",
  "backup FILE",
  "restore FILE",
  "release --format cron",
  "release --to 123456 --dry-run",
  "clock",
  "clock start",
  "clock stop",
  "incidents",
  "incidents show ID",
  "incidents close ID",
];

it.each(LINES)("afk %s refuses an unknown flag and a surplus argument, and does nothing", async (line) => {
  const target = deployment(digestConfig("http://127.0.0.1:9"));
  for (const surplus of ["--no-such-flag", "surplus"]) {
    const answer = await afk(target, ...line.split(" "), surplus);
    expect(answer).toMatchObject({ code: 2, stdout: "" });
    expect(answer.stderr).toContain(surplus);
  }
  expect(existsSync(target.state)).toBe(false);
});

it.each(LINES)("afk %s explains itself with --help", async (line) => {
  const [name = "", sub] = line.split(" ");
  const words =
    sub !== undefined &&
    /^[a-z]+$/.test(sub) &&
    ["jobs", "dead", "ledger", "alert", "clock", "incidents"].includes(name)
      ? [name, sub]
      : [name];
  const { code, stdout, stderr } = await afk(deployment(), ...words, "--help");
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(stdout).toContain(`afk ${words.join(" ")}`);
});
