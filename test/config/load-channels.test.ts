import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type LooseChannels, loadChannels } from "../../src/config/load-channels.ts";
import { folderForTest } from "./support.ts";

const HOOK = { type: "webhook", url: "https://hooks.example.org/path-that-is-secret" };

describe("the channels of a configuration that is refused", () => {
  it("are found beside whatever else is wrong", () => {
    const found = channels({ agent: "mine", budgett: {}, alerts: [HOOK], jobs: "none" });
    expect(found.agent).toBe("mine");
    expect(found.channels.map(({ type, url }) => ({ type, url }))).toEqual([HOOK]);
    expect(found.secrets).toContain(HOOK.url);
  });

  it("are judged one by one", () => {
    const found = channels({
      alerts: [{ type: "pigeon", url: "x" }, HOOK, { ...HOOK, url: reference("NOT_SET") }],
    });
    expect(found.agent).toBe("afk");
    expect(found.channels).toHaveLength(1);
  });

  it("take what the environment gives, and the host's own channel where the file names none that can be read", () => {
    const environment = {
      HOOK: "https://hooks.example.org/from-the-environment",
      ALERT_WEBHOOK: "https://ntfy.sh/my-topic",
    };
    const found = channels({ alerts: [{ type: "webhook", url: reference("HOOK") }, HOOK] }, environment);
    expect(found.channels.map(({ url }) => url)).toEqual([environment.HOOK, HOOK.url]);
    const broken = channels({ alerts: [{ type: "pigeon", url: "x" }] }, environment);
    expect(broken.channels.map(({ url }) => url)).toEqual([environment.ALERT_WEBHOOK]);
  });

  it.each(["agent: [", "- a list", "", "alerts: {}", "alerts: 7", "\0"])(
    "are the host's where the file is %j",
    (yaml) => {
      expect(channels(yaml, { ALERT_WEBHOOK: "https://ntfy.sh/my-topic" }).channels).toHaveLength(1);
      expect(channels(yaml).channels).toEqual([]);
    },
  );

  it("are none where there is no file, and nothing is thrown", () => {
    const cwd = folderForTest();
    expect(loadChannels({ environment: {}, cwd }).channels).toEqual([]);
  });
});

function reference(name: string): string {
  return `\${${name}}`;
}

function channels(document: unknown, environment: Record<string, string> = {}): LooseChannels {
  const cwd = folderForTest();
  writeFileSync(join(cwd, "afk.yaml"), typeof document === "string" ? document : JSON.stringify(document));
  return loadChannels({ environment, cwd });
}
