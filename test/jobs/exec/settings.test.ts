import * as v from "valibot";
import { expect, test } from "vitest";
import type { Config } from "../../../src/config/config.ts";
import { execSettings } from "../../../src/jobs/exec/settings.ts";
import { checkProgram } from "../../../src/jobs/programs/settings.ts";

const CONFIG = {
  egress: { allow: [] },
  models: { providers: { anthropic: { baseUrl: "https://api.anthropic.com" } } },
} as unknown as Config;

test("fills in what may be left out", () => {
  expect(v.parse(execSettings, { command: ["df"] })).toEqual({
    command: ["df"],
    cwd: ".",
    env: {},
    hasGateway: false,
    network: "open",
    allow: null,
    isStateVisible: false,
    outputBytesMax: 256 * 1024,
    isPublished: false,
    units: 1,
  });
});

test("takes what is written", () => {
  const entry = {
    command: ["sh", "-c", "", "line\nbreak"],
    cwd: "./scripts",
    env: { A_1: "", _b: "x=y" },
    gateway: true,
    network: "allowlist",
    allow: ["pypi.org", "*.Example.org:8443"],
    state: "visible",
    max_output_kb: 1024,
    publish: true,
    units: 0,
  };
  expect(v.parse(execSettings, entry)).toEqual({
    command: entry.command,
    cwd: "./scripts",
    env: entry.env,
    hasGateway: true,
    network: "allowlist",
    allow: ["pypi.org", "*.example.org:8443"],
    isStateVisible: true,
    outputBytesMax: 1024 * 1024,
    isPublished: true,
    units: 0,
  });
});

test.each([
  ["no command", {}],
  ["an empty command", { command: [] }],
  ["a command that is one text", { command: "df -h" }],
  ["an argument that is a number", { command: ["sleep", 5] }],
  ["a NUL in an argument", { command: ["echo", "a\0b"] }],
  ["201 words", { command: Array.from({ length: 201 }, () => "x") }],
  ["an empty cwd", { command: ["df"], cwd: "" }],
  ["a name with =", { command: ["df"], env: { "A=B": "x" } }],
  ["a name that begins with a digit", { command: ["df"], env: { "1A": "x" } }],
  ["a value that is a number", { command: ["df"], env: { A: 1 } }],
  ["a NUL in a value", { command: ["df"], env: { A: "a\0b" } }],
  ["a variable that afk sets: its mark", { command: ["df"], env: { AFK_EXEC: "x" } }],
  ["a variable that afk sets: the job", { command: ["df"], env: { AFK_JOB: "x" } }],
  ["a gateway that is an address", { command: ["df"], gateway: "127.0.0.1:4236" }],
  ["a network of another name", { command: ["df"], network: "none" }],
  ["an empty list of hosts", { command: ["df"], allow: [] }],
  ["an address in place of a host", { command: ["df"], allow: ["https://pypi.org/"] }],
  ["a port that is none", { command: ["df"], allow: ["pypi.org:70000"] }],
  ["a state that is true", { command: ["df"], state: true }],
  ["no output", { command: ["df"], max_output_kb: 0 }],
  ["more output than a step can keep", { command: ["df"], max_output_kb: 1025 }],
  ["half a unit", { command: ["df"], units: 0.5 }],
  ["publish as a word", { command: ["df"], publish: "yes" }],
  ["an unknown key", { command: ["df"], shell: true }],
])("refuses %s", (_name, entry) => {
  expect(v.safeParse(execSettings, entry).success).toBe(false);
});

test("refuses a program without a name, and says where it stands", () => {
  const check = (command: string[]) => checkProgram(v.parse(execSettings, { command }), CONFIG);
  expect(check(["", "x"])).toEqual([
    { path: "command[0]", message: expect.stringMatching(/^found ""; write/) },
  ]);
  expect(check(["x", ""])).toEqual([]);
});

test("refuses a provider's key beside a gateway, which it would go round, and nowhere else", () => {
  const env = { OPENAI_API_KEY: "sk-1", OPENROUTER_API_KEY: "sk-2", GREETING: "hello" };
  const check = (gateway: boolean) =>
    checkProgram(v.parse(execSettings, { command: ["df"], env, gateway }), CONFIG);
  expect(check(false)).toEqual([]);
  expect(check(true).map(({ path }) => path)).toEqual(["env.OPENAI_API_KEY", "env.OPENROUTER_API_KEY"]);
  expect(check(true)[0]?.message).toMatch(/past every cap; take it out/);
});

test.each([
  ["gateway without one", { network: "gateway" }, "network"],
  ["a list that nothing uses", { allow: ["pypi.org"] }, "allow"],
  ["a list that is nowhere", { network: "allowlist" }, "network"],
  [
    "a provider of models beside a gateway",
    { gateway: true, network: "allowlist", allow: ["pypi.org", "api.anthropic.com"] },
    "allow[1]",
  ],
])("refuses a network that cannot be meant: %s", (_name, entry, path) => {
  const parsed = v.parse(execSettings, { command: ["df"], ...entry });
  expect(checkProgram(parsed, CONFIG).map((issue) => issue.path)).toEqual([path]);
});

test("takes each network beside what it needs", () => {
  for (const entry of [
    { network: "gateway", gateway: true },
    { network: "allowlist", allow: ["pypi.org:443"] },
    { network: "allowlist", gateway: true, allow: ["pypi.org"] },
    // Without a gateway there is no cap to be gone round.
    { network: "allowlist", allow: ["api.anthropic.com"] },
  ])
    expect(checkProgram(v.parse(execSettings, { command: ["df"], ...entry }), CONFIG)).toEqual([]);
});
