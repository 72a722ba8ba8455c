// @module-tag processes
import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Cron } from "croner";
import { describe, expect, it } from "vitest";
import { renderCron } from "../../../src/evidence/release/cron.ts";
import { renderLaunchd } from "../../../src/evidence/release/launchd.ts";
import {
  evenInterval,
  type Format,
  planRelease,
  type ReleasePlan,
} from "../../../src/evidence/release/plan.ts";
import { release } from "../../../src/evidence/release/release.ts";
import { renderSystemd } from "../../../src/evidence/release/systemd.ts";
import { load, withBase } from "../../config/support.ts";
import { tempDir } from "../../support/temp.ts";
import { plan, plistOf } from "./prepared.ts";

/** Names that shells, cron and XML each take for something else. */
const HOSTILE = `it's 100% "odd" & <b>$HOME\`id\` \\ ;#ü`;
const START = new Date("2026-11-20T23:59:59Z");
const has = (program: string) => spawnSync(program, ["--version"]).status === 0;

describe("a crontab line", () => {
  it("says the timer's schedule: every five minutes, by the clock", () => {
    expect(runs(lineOf(renderCron(plan())).time, 300).map((ms) => ms % 300_000)).toEqual([0, 0, 0, 0, 0]);
  });

  it.each([60, 120, 300, 900, 1800, 3600, 7200, 21_600, 43_200, 86_400])(
    "says every %i seconds",
    (everySeconds) => {
      runs(lineOf(renderCron(plan({ everySeconds }))).time, everySeconds);
    },
  );

  it.each([1, 30, 90, 420, 2_700, 5_400, 18_000, 50_000])(
    "is refused for every %i seconds, which cron cannot say",
    (everySeconds) => {
      expect(() => renderCron(plan({ everySeconds }))).toThrow(
        expect.objectContaining({
          exitCode: 78,
          message: expect.stringContaining(`${everySeconds} seconds`),
        }),
      );
    },
  );

  it("runs the command by absolute paths, whatever they are made of, and keeps what the latest run printed", () => {
    const dir = join(tempDir(), HOSTILE);
    mkdirSync(dir);
    const program = join(dir, "print arguments");
    writeFileSync(program, `#!/bin/sh\nprintf '%s\\n' "$DAILY_CAP_USD" "$@"\necho problem >&2\n`);
    chmodSync(program, 0o755);
    const given = plan({
      command: [program, join(dir, "main.ts")],
      configFile: join(dir, "afk.yaml"),
      state: join(dir, "state"),
      logs: join(dir, "state", "logs"),
      settings: [["DAILY_CAP_USD", "0.10"]],
    });
    const { command } = lineOf(renderCron(given));
    for (let run = 0; run < 2; run++) execFileSync("/bin/sh", ["-c", command], { env: {}, cwd: "/" });
    expect(readFileSync(join(given.logs, "cron.log"), "utf8").split("\n")).toEqual([
      "0.10",
      join(dir, "main.ts"),
      "tick",
      "--config",
      given.configFile,
      "--state",
      given.state,
      "problem",
      "",
    ]);
  });

  it("has every % escaped, since cron ends a command at one", () => {
    const { content } = renderCron(plan({ state: "/srv/100%/state" }));
    expect(content.split("\n").slice(-4).join("\n")).not.toMatch(/(?<!\\)%/);
  });

  it("is refused when cron would cut it off", () => {
    expect(() => renderCron(plan({ state: `/${"long/".repeat(200)}` }))).toThrow("cuts it off");
  });
});

describe("a launch agent", () => {
  it("is XML that says the program, its environment, and the timer's schedule", () => {
    const dir = `/Users/${HOSTILE}`;
    const given = plan({
      command: [`${dir}/node`, `${dir}/main.ts`],
      configFile: `${dir}/afk.yaml`,
      state: `${dir}/state`,
      logs: `${dir}/state/logs`,
      settings: [["MONTHLY_CAP_USD", "5"]],
    });
    const { content } = renderLaunchd(given);
    const keys = plistOf(content);
    expect(keys).toEqual({
      Label: "afk.test",
      ProgramArguments: ["/usr/bin/caffeinate", "-i", ...given.command, "tick"],
      EnvironmentVariables: { AFK_CONFIG: given.configFile, AFK_STATE: given.state, MONTHLY_CAP_USD: "5" },
      StartCalendarInterval: Array.from({ length: 12 }, (_, index) => ({ Minute: index * 5 })),
      RunAtLoad: false,
      StandardOutPath: "/dev/null",
      StandardErrorPath: `${given.logs}/launchd.err`,
    });
    for (const [comment] of content.matchAll(/<!--[\s\S]*?-->/g))
      expect(comment.slice(4, -3)).not.toContain("--");
  });

  it("is a property list to another reader of them", ({ skip }) => {
    skip(!has("python3"), "python3 is not there");
    for (const everySeconds of [300, 90]) {
      const given = plan({ everySeconds, state: `/Users/${HOSTILE}/state`, leftOut: ["ALERT_WEBHOOK"] });
      const { content } = renderLaunchd(given);
      const read = execFileSync(
        "python3",
        ["-c", "import sys,plistlib,json; print(json.dumps(plistlib.loads(sys.stdin.buffer.read())))"],
        { input: content },
      );
      expect(JSON.parse(read.toString())).toEqual(plistOf(content));
    }
  });

  it.each<[number, unknown]>([
    [7200, Array.from({ length: 12 }, (_, index) => ({ Hour: index * 2, Minute: 0 }))],
    [86_400, [{ Hour: 0, Minute: 0 }]],
  ])("says every %i seconds by the clock", (everySeconds, interval) => {
    expect(plistOf(renderLaunchd(plan({ everySeconds })).content).StartCalendarInterval).toEqual(interval);
  });

  it("says an interval that the clock has no beat for from run to run", () => {
    const keys = plistOf(renderLaunchd(plan({ everySeconds: 90 })).content);
    expect(keys).toMatchObject({ StartInterval: 90 });
    expect(keys).not.toHaveProperty("StartCalendarInterval");
  });

  it("says what sleep does, and how it is loaded and unloaded", () => {
    const rendered = renderLaunchd(plan());
    expect(rendered.content).toMatch(/caffeinate -i keeps[\s\S]*A sleeping machine runs nothing/);
    expect(rendered.install("afk.test.plist")).toContain(
      "launchctl bootstrap gui/$(id -u) ~/Library/LaunchAgents/afk.test.plist",
    );
    expect(rendered.uninstall[0]).toBe("launchctl bootout gui/$(id -u)/afk.test");
  });
});

describe("a drop-in for afk.timer", () => {
  it.each<[number, string]>([
    [60, "OnCalendar=*:0/1"],
    [300, "OnCalendar=*:0/5"],
    [7200, "OnCalendar=0/2:00"],
    [86_400, "OnCalendar=*-*-* 00:00:00"],
    [90, "OnUnitActiveSec=90s"],
  ])("says every %i seconds", (everySeconds, line) => {
    const lines = renderSystemd(plan({ everySeconds })).content.split("\n");
    expect(lines).toContain("OnCalendar=");
    expect(lines.indexOf(line)).toBeGreaterThan(lines.indexOf("OnCalendar="));
  });

  it("is understood by systemd", ({ skip }) => {
    skip(!has("systemd-analyze"), "systemd-analyze is not there");
    for (const everySeconds of [60, 300, 900, 7200, 86_400]) {
      const value = /^OnCalendar=(.+)$/m.exec(renderSystemd(plan({ everySeconds })).content)?.[1] ?? "";
      const told = execFileSync(
        "systemd-analyze",
        ["calendar", "--iterations=3", "--base-time=2026-11-20 23:59:59 UTC", value],
        {
          env: { ...process.env, TZ: "UTC" },
        },
      ).toString();
      const times = [...told.matchAll(/(?:Next elapse|Iteration #\d+|Iter\. #\d+): \w+ (\S+ \S+)/g)].map(
        ([, at]) => Date.parse(`${at}Z`),
      );
      expect(times).toHaveLength(3);
      expect(times.map((ms) => ms - START.getTime() - 1_000)).toEqual(
        [0, 1, 2].map((n) => n * everySeconds * 1_000),
      );
    }
  });
});

describe("a plan", () => {
  it("takes the timer's interval, unless TICK_SECONDS is set", () => {
    expect(planOf({}).everySeconds).toBe(300);
    expect(planOf({ TICK_SECONDS: "900" }).everySeconds).toBe(900);
  });

  it("carries the host's caps and stop file, without which the schedule would run under others, and no secret", () => {
    const given = planOf({
      DAILY_CAP_USD: "0.10",
      KILL_FLAG: "/srv/STOP",
      ALERT_WEBHOOK: "https://ntfy.sh/quite-secret",
    });
    expect(given.settings).toEqual([
      ["DAILY_CAP_USD", "0.10"],
      ["KILL_FLAG", "/srv/STOP"],
    ]);
    for (const format of ["systemd", "cron", "launchd"] as Format[]) {
      const { content } = release(given, format, null);
      expect(content).not.toContain("quite-secret");
      if (format !== "systemd") expect(content).toContain("ALERT_WEBHOOK");
    }
  });

  it("is refused for a path that no schedule can hold", () => {
    const config = load(withBase({}));
    expect(() => planRelease(config, ["/usr/bin/no\nde"], {})).toThrow("control character");
  });

  it.each([
    [1, null],
    [60, { unit: "minutes", every: 1 }],
    [1800, { unit: "minutes", every: 30 }],
    [3600, { unit: "hours", every: 1 }],
    [5400, null],
    [86_400, { unit: "day" }],
  ])("is even through the day, or not: %i seconds", (seconds, even) => {
    expect(evenInterval(seconds)).toEqual(even);
  });
});

describe("a release into a folder", () => {
  it.each<[Format, string, string[]]>([
    ["systemd", "afk-schedule.conf", []],
    ["cron", "afk-test.crontab", []],
    ["launchd", "afk.test.plist", ["afk.test.backup.plist", "afk.test.watchdog.plist"]],
    ["compose", "compose.test.yaml", []],
  ])(
    "writes the files of %s, again and again, and names them in what is to be typed",
    (format, name, others) => {
      const dir = join(tempDir(), "made of it");
      const made = release(plan(), format, dir);
      expect(release(plan(), format, dir)).toEqual(made);
      expect(readdirSync(dir).sort()).toEqual([...others, name].sort());
      expect(made).toMatchObject({ path: join(dir, name), everySeconds: 300, format });
      expect(readFileSync(join(dir, name), "utf8")).toBe(made.content);
      for (const file of [name, ...others]) expect(made.install.join("\n")).toContain(`'${join(dir, file)}'`);
    },
  );
});

describe("an agent whose phone is read", () => {
  it("has a unit of its own for that under systemd, also as one of several", () => {
    const { install, uninstall } = renderSystemd(plan({ readsPhone: true }));
    expect(install("f")).toContain("sudo systemctl enable --now afk-remote.service");
    expect(uninstall).toContain("sudo systemctl disable --now afk-remote.service");
    const named = renderSystemd(plan({ readsPhone: true, instance: "two" }));
    expect(named.install("f")).toContain("sudo systemctl enable --now afk-remote@two.service");
    expect(renderSystemd(plan()).install("f").join("\n")).not.toContain("afk-remote");
  });

  it("has an agent of launchd that is kept alive, and nothing in a crontab", () => {
    const { beside } = renderLaunchd(plan({ readsPhone: true, agent: "a" }));
    const remote = beside.find(({ name }) => name === "afk.a.remote.plist")!;
    expect(remote.content).toMatch(/<string>remote<\/string>[\s\S]*<key>KeepAlive<\/key>/);
    expect(renderLaunchd(plan({ agent: "a" })).beside.map(({ name }) => name)).not.toContain(
      "afk.a.remote.plist",
    );
    expect(renderCron(plan({ readsPhone: true })).content).not.toMatch(/ remote /);
  });
});

function planOf(environment: Record<string, string>): ReleasePlan {
  return planRelease(load(withBase({}), { environment }), ["/usr/bin/afk"], environment);
}

/** The line of the tick, as cron takes it apart: five fields, and a command whose `\%` are `%`. */
function lineOf({ content }: { content: string }): { time: string; command: string } {
  const lines = content.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  expect(lines).toHaveLength(3);
  const [, time = "", command = ""] = /^((?:\S+ ){4}\S+) (.*)$/.exec(lines[0] ?? "") ?? [];
  return { time, command: command.replaceAll("\\%", "%") };
}

/** The next five times; fails unless they are `everySeconds` apart. */
function runs(time: string, everySeconds: number): number[] {
  const times = new Cron(time, { mode: "5-part", paused: true, timezone: "UTC" })
    .nextRuns(5, START)
    .map((at) => at.getTime());
  expect(times.slice(1).map((ms, index) => ms - (times[index] ?? 0))).toEqual(
    Array(4).fill(everySeconds * 1_000),
  );
  return times;
}
