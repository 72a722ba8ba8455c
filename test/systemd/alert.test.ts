import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { receiver } from "../alerts/receiver.ts";
import { hasTool } from "../support/system-tools.ts";
import { tempDir } from "../support/temp.ts";
import { fakeDocker, staged, start } from "./staged.ts";

/** How afk-alert@.service calls it: by systemd, with what failed in the environment. */
function alerting(docker: string, env: string) {
  const root = staged();
  writeFileSync(join(root, "etc/afk/env"), env);
  writeFileSync(join(root, "etc/afk/afk.yaml"), 'agent: "night-shift"   # quoted\n');
  const { environment, calls } = fakeDocker(docker);
  const monitor = {
    MONITOR_SERVICE_RESULT: "exit-code",
    MONITOR_EXIT_STATUS: "78",
    MONITOR_INVOCATION_ID: "0123abcd",
    RUNTIME_DIRECTORY: tempDir(),
  };
  return {
    calls,
    alert: (changes: Record<string, string> = {}) =>
      start(join(root, "usr/local/lib/afk/alert"), ["afk.service"], {
        ...environment,
        ...monitor,
        ...changes,
      }),
  };
}

const ENGINE_DOWN = "echo 'Cannot connect to the Docker daemon' >&2; exit 1";

describe("afk-alert@.service", () => {
  it("asks afk itself first, and leaves it at that when afk has told", async () => {
    const { alert, calls } = alerting("exit 0", "ALERT_WEBHOOK=http://127.0.0.1:1/\n");
    expect((await alert().ended).code).toBe(0);
    const run = calls().find(([verb]) => verb === "run") ?? [];
    expect(run.slice(run.indexOf("afk:staged") + 1)).toEqual([
      ...["alert", "unit", "afk.service", "--result", "exit-code", "--status", "78"],
      ...["--invocation", "0123abcd"],
    ]);
  });

  it("calls the webhook when the engine is down", async ({ skip }) => {
    skip(!hasTool("curl"), "curl is not installed (apt-get install curl)");
    const { url, received } = await receiver();
    const { alert } = alerting(ENGINE_DOWN, `A=b\nALERT_WEBHOOK=${url}/hook?a="b"&c=[1-2]{x}\\d\nC=d\n`);
    expect(await alert().ended).toMatchObject({ code: 0 });
    expect(received).toHaveLength(1);
    expect(decodeURIComponent(received[0]!.path)).toBe('/hook?a="b"&c=[1-2]{x}\\d');
    expect(received[0]!.headers["content-type"]).toBe("application/json");
    const payload = JSON.parse(received[0]!.body);
    expect(payload).toMatchObject({
      version: 1,
      event: "unit_failed",
      agent: "night-shift",
      severity: "error",
      title: "afk.service failed",
      key: "unit_failed:afk.service:0123abcd",
    });
    expect(payload.message).toContain("Result: exit-code, exit status: 78.");
    expect(new Date(payload.ts).toISOString()).toBe(payload.ts);
    // Slack, Telegram and Discord look for these.
    expect(payload.text).toContain("afk.service failed");
    expect(payload.content).toBe(payload.text);
  });

  it("tells once of a unit that keeps failing in the same way, and again when it fails in another", async ({
    skip,
  }) => {
    skip(!hasTool("curl"), "curl is not installed (apt-get install curl)");
    const { url, received } = await receiver();
    const { alert } = alerting(ENGINE_DOWN, `ALERT_WEBHOOK=${url}/hook\n`);
    for (const changes of [{}, {}, { MONITOR_EXIT_STATUS: "1" }]) await alert(changes).ended;
    expect(received.map(({ body }) => JSON.parse(body).message.match(/status: (\d+)/)?.[1])).toEqual([
      "78",
      "1",
    ]);
  });

  it("has the address on no command line while it calls", async ({ skip }) => {
    skip(!hasTool("curl"), "curl is not installed (apt-get install curl)");
    skip(!existsSync("/proc/self/cmdline"), "command lines are read in /proc");
    const seen: string[] = [];
    const { url } = await receiver(() => {
      seen.push(...commandLines());
      return {};
    });
    const { alert } = alerting(ENGINE_DOWN, `ALERT_WEBHOOK=${url}/a-secret-path\n`);
    expect((await alert().ended).code).toBe(0);
    expect(seen.some((line) => line.startsWith("curl"))).toBe(true);
    expect(seen.filter((line) => line.includes("a-secret-path"))).toEqual([]);
  });

  it("stays valid JSON whatever the names are", async ({ skip }) => {
    skip(!hasTool("curl"), "curl is not installed (apt-get install curl)");
    const { url, received } = await receiver();
    const { alert } = alerting(ENGINE_DOWN, `ALERT_WEBHOOK=${url}/hook\n`);
    await alert({ MONITOR_SERVICE_RESULT: 'a"b\\c\nd$(id)', MONITOR_EXIT_STATUS: "%s" }).ended;
    expect(JSON.parse(received[0]!.body).message).toContain("Result: abcd$(id), exit status: %s.");
  });

  it("fails, and says so, when there is nobody to tell", async () => {
    const { alert } = alerting(ENGINE_DOWN, "# ALERT_WEBHOOK=https://example.org/\n");
    const { code, stderr } = await alert().ended;
    expect(code).toBe(1);
    expect(stderr).toContain("nobody was told that afk.service failed");
  });
});

function commandLines(): string[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        return [readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ")];
      } catch {
        // It has ended in the meantime.
        return [];
      }
    });
}

it("every script parses, and says how it is used", () => {
  const root = staged();
  const lib = join(root, "usr/local/lib/afk");
  for (const name of readdirSync(lib)) {
    expect(() => execFileSync("sh", ["-n", join(lib, name)])).not.toThrow();
    expect(readFileSync(join(lib, name), "utf8")).toMatch(new RegExp(`^# usage: ${name}\\b`, "m"));
  }
  expect(() => execFileSync("sh", ["-n", join(root, "usr/local/bin/afk")])).not.toThrow();
});
