import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { afk, tick } from "../cli/commands/in-process.ts";
import { deployment, digestConfig, fillInbox, ollama, PROCESSES } from "../support/afk.ts";

describe("a configuration that is refused", () => {
  it("ends a tick with 78 before anything is asked, and afk stop works all the same", PROCESSES, async () => {
    const server = await ollama();
    const target = deployment({ ...digestConfig(server.url), budgets: {} });
    fillInbox(target, 1);

    const refused = await target.afk(["tick"]);
    expect(refused).toMatchObject({ code: 78, stdout: "" });
    expect(refused.stderr).toContain("did you mean budget");
    expect(existsSync(target.state)).toBe(false);

    const stopped = await target.afk(["stop", "--json"]);
    expect(stopped.code).toBe(0);
    expect(JSON.parse(stopped.stdout)).toMatchObject({ by: "file", detail: join(target.state, "STOP") });

    // The switch holds once the configuration is mended.
    target.configure(digestConfig(server.url));
    expect(await tick(target)).toMatchObject({ outcome: "halted", exitCode: 0 });
    expect(target.events()).toContain("kill_seen");
    expect(server.requests).toEqual([]);
  });

  const COMMANDS = [
    "tick --now digest",
    "tick --json",
    "run",
    "enqueue digest",
    "status",
    "jobs",
    "jobs show KEY",
    "dead",
    "dead retry KEY",
    "ledger",
    "ledger reconcile ID --usd 0",
    "logs",
    "resume",
  ];
  const BROKEN: [string, (url: string) => Record<string, unknown> | string | undefined][] = [
    ["without a cap", (url) => digestConfig(url, { budget: { daily_cap_usd: undefined } })],
    [
      "with a model whose price is unknown",
      (url) => digestConfig(url, { models: { chain: ["openai/no-such"] } }),
    ],
    ["that is no YAML", () => "agent: [\n"],
    ["that is not there", () => undefined],
  ];
  it.each(BROKEN)("%s ends every command that needs it with 78", async (_name, configOf) => {
    const server = await ollama();
    const target = deployment(configOf(server.url));
    // Without a state either there would be no agent at all, which is something else.
    if (!existsSync(target.configFile)) target.write("state/afk.db", "");
    for (const line of COMMANDS) {
      const answer = await afk(target, ...line.split(" "));
      expect(answer.code, line).toBe(78);
    }
    expect((await afk(target, "health")).code).toBe(1);
    expect((await afk(target, "doctor")).code).toBe(1);
    expect(server.requests).toEqual([]);
  });
});

describe("a database that is no database", () => {
  it(
    "refuses to work and leaves the file as it is, and afk stop falls back to the STOP file",
    PROCESSES,
    async () => {
      const server = await ollama();
      const target = deployment(digestConfig(server.url));
      fillInbox(target, 1);
      const garbage = "this is not a database, whatever its name says. ".repeat(100);
      target.write("state/afk.db", garbage);

      const refused = await target.afk(["tick"]);
      expect(refused.code).toBe(1);
      expect(refused.stderr).toContain("is not a database or is damaged");
      const stopped = await target.afk(["stop", "--reason", "it looks odd", "--json"]);
      expect(stopped.code).toBe(0);
      expect(JSON.parse(stopped.stdout).by).toBe("file");
      expect(readFileSync(join(target.state, "STOP"), "utf8")).toContain("it looks odd");

      expect(readFileSync(join(target.state, "afk.db"), "utf8")).toBe(garbage);
      expect(server.requests).toEqual([]);
    },
  );
});
