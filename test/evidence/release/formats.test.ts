// @module-tag processes
import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Cron } from "croner";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { renderCompose } from "../../../src/evidence/release/compose.ts";
import { renderCron } from "../../../src/evidence/release/cron.ts";
import { renderLaunchd } from "../../../src/evidence/release/launchd.ts";
import { type Format, planRelease } from "../../../src/evidence/release/plan.ts";
import { renderOnly } from "../../../src/evidence/release/release.ts";
import { load, withBase } from "../../config/support.ts";
import { tempDir } from "../../support/temp.ts";
import { breachesOf, plan, plistOf } from "./prepared.ts";

const START = new Date("2026-11-20T23:59:59Z");

describe("a crontab", () => {
  it("has a tick, a watchdog every ten minutes and a backup every night", () => {
    const lines = commandsOf(renderCron(plan()).content);
    const times = lines.map(({ time }) =>
      new Cron(time, { mode: "5-part", paused: true, timezone: "UTC" }).nextRuns(3, START),
    );
    expect(times.map((runs) => runs.map((at) => at.toISOString().slice(8, 16)))).toEqual([
      ["21T00:00", "21T00:05", "21T00:10"],
      ["21T00:02", "21T00:12", "21T00:22"],
      ["21T03:30", "22T03:30", "23T03:30"],
    ]);
    expect(lines.map(({ command }) => / (tick|watchdog|backup) --config \/srv/.exec(command)?.[1])).toEqual([
      "tick",
      "watchdog",
      "backup",
    ]);
  });

  it.each([
    [0, ["tick"]],
    [69, ["tick"]],
    [75, ["tick"]],
    [1, ["tick", "alert unit afk-tick --result exit-code --status 1"]],
    [78, ["tick", "alert unit afk-tick --result exit-code --status 78"]],
    [137, ["tick", "alert unit afk-tick --result exit-code --status 137"]],
  ])("tells of a tick that ended with %i, unless that is no failure", (code, expected) => {
    const dir = join(tempDir(), "it's 5%");
    mkdirSync(dir);
    const program = join(dir, "afk");
    const calls = join(dir, "calls");
    writeFileSync(
      program,
      `#!/bin/sh\necho "$@" >>"$(dirname "$0")/calls"\n[ "$1" = tick ] && exit ${code}\nexit 0\n`,
    );
    chmodSync(program, 0o755);
    const at = {
      configFile: join(dir, "afk.yaml"),
      state: join(dir, "state"),
      logs: join(dir, "state/logs"),
    };
    const [tick] = commandsOf(renderCron(plan({ command: [program], ...at })).content);
    execFileSync("/bin/sh", ["-c", tick!.command], { env: { PATH: "/usr/bin:/bin" }, cwd: "/" });
    const made = readFileSync(calls, "utf8").trim().split("\n");
    expect(made.map((line) => line.replace(/ --config .*/, ""))).toEqual(expected);
  });

  it("keeps the settings that a person added above its commands when it is installed again", () => {
    const rendered = renderCron(plan());
    const file = join(tempDir(), rendered.name);
    writeFileSync(file, rendered.content);
    const edited = rendered.content.replace("\n*/5", "\nTOKEN_FILE=/srv/token\n*/5");
    const theirs = "# a backup\n15 3 * * * /usr/local/bin/copy\n";
    const filter = rendered.uninstall[0]!.split(" | ")[1]!;
    const left = execFileSync("/bin/sh", ["-c", filter], { input: theirs + edited + theirs }).toString();
    expect(left).toBe(`${theirs}TOKEN_FILE=/srv/token\n${theirs}`);
  });

  it("is accepted by cron itself", ({ skip }) => {
    const usage = spawnSync("crontab", ["--help"], { encoding: "utf8" }).stderr ?? "";
    // Debian's checks by -n, cronie's by -T.
    const check = /^\s*-([nT])\b.*syntax/im.exec(usage)?.[1];
    skip(check === undefined, "no crontab that checks a file is there (apt-get install cron)");
    const file = join(tempDir(), "crontab");
    writeFileSync(file, renderCron(plan({ configFile: "/srv/it's 5%/afk.yaml" })).content);
    expect(spawnSync("crontab", [`-${check}`, file]).status).toBe(0);
    writeFileSync(file, "99 * * * * true\n");
    expect(spawnSync("crontab", [`-${check}`, file]).status).not.toBe(0);
  });

  it("cannot keep a process running, and says what can", () => {
    expect(() => renderCron(plan({ isContinuous: true }))).toThrow("use systemd, launchd or compose");
  });
});

describe.each([false, true])("launch agents (continuous: %s)", (isContinuous) => {
  const rendered = renderLaunchd(plan({ isContinuous, leftOut: ["ALERT_WEBHOOK"] }));
  const files = [rendered, ...rendered.beside];

  it("are three property lists by the rules of their DTD", () => {
    expect(files.map(({ name }) => name)).toEqual([
      "afk.test.plist",
      "afk.test.watchdog.plist",
      "afk.test.backup.plist",
    ]);
    for (const { content } of files) expect(breachesOf(content)).toEqual([]);
  });

  it("have labels of their own, which are their files' names, and the same agent", () => {
    for (const { name, content } of files) {
      const keys = plistOf(content);
      expect(`${keys.Label}.plist`).toBe(name);
      expect(keys.EnvironmentVariables).toMatchObject({
        AFK_CONFIG: "/srv/afk/afk.yaml",
        AFK_STATE: "/srv/afk/state",
      });
    }
    expect(plistOf(files[1]!.content)).toMatchObject({
      ProgramArguments: [...plan().command, "watchdog"],
      StartCalendarInterval: [2, 12, 22, 32, 42, 52].map((Minute) => ({ Minute })),
    });
    expect(plistOf(files[2]!.content)).toMatchObject({
      ProgramArguments: [
        ...plan().command,
        ...["backup", "/srv/afk/state/backups/afk-{date}.db", "--keep", "7", "--force"],
      ],
      StartCalendarInterval: [{ Hour: 3, Minute: 30 }],
    });
  });
});

describe("a continuous launch agent", () => {
  const keys = plistOf(renderLaunchd(plan({ isContinuous: true })).content);

  it("starts at login, comes back after a crash, and stays down after a stop", () => {
    expect(keys).toMatchObject({ RunAtLoad: true, KeepAlive: { SuccessfulExit: false } });
    expect(keys).not.toHaveProperty("StartCalendarInterval");
  });

  it("is the loop itself to launchd: its process, its signals, its exit code", () => {
    const dir = tempDir();
    const program = join(dir, "it's $HOME");
    writeFileSync(program, `#!/bin/sh\necho "$$ $*"\nexit 7\n`);
    chmodSync(program, 0o755);
    const given = plan({ isContinuous: true, command: [program, "main.ts"] });
    const [shell = "", ...words] = plistOf(renderLaunchd(given).content).ProgramArguments as string[];
    const { pid, status, stdout } = spawnSync(shell, words);
    expect({ status, said: stdout.toString().trim() }).toEqual({ status: 7, said: `${pid} main.ts run` });
  });

  it("names what keeps the machine awake between ticks", () => {
    expect(renderLaunchd(plan({ isContinuous: true })).content).toMatch(
      /caffeinate -is keeps the machine awake .*\n?.*between ticks/,
    );
  });
});

describe("a compose file", () => {
  const rendered = renderCompose(
    plan({
      settings: [
        ["DAILY_CAP_USD", "0.10"],
        ["KILL_FLAG", "/srv/STOP"],
      ],
      configFile: "/srv/a $b/my.yaml",
    }),
  );
  const file = parse(rendered.content);

  it("has the worker, a watchdog and a backup on one state, with the limits of compose.yaml", () => {
    const own = parse(readFileSync(new URL("../../../compose.yaml", import.meta.url), "utf8"), {
      merge: true,
    });
    expect(Object.keys(file.services)).toEqual(["worker", "watchdog", "backup"]);
    for (const service of Object.values<Record<string, unknown>>(file.services)) {
      for (const key of [
        ...["image", "read_only", "cap_drop", "security_opt", "init", "stop_grace_period", "restart"],
        ...["logging", "tmpfs", "mem_limit", "memswap_limit", "pids_limit", "env_file"],
      ])
        expect(service[key], key).toEqual(own.services.worker[key]);
      expect(service.volumes).toEqual(["/srv/a $$b:/etc/afk:ro", "state:/data"]);
      // A path of the host would be a switch whose folder is gone, which counts as set.
      expect(service.environment).toEqual({
        AFK_CONFIG: "/etc/afk/my.yaml",
        AFK_STATE: "/data",
        DAILY_CAP_USD: "0.10",
      });
    }
  });

  it("is a project of the agent's own", () => {
    expect(file.name).toBe("afk-test");
    expect(rendered.install("x y.yaml")).toEqual(["docker compose -f 'x y.yaml' up -d"]);
  });

  it("is understood by compose, without a .env beside it", ({ skip }) => {
    skip(spawnSync("docker", ["compose", "version"]).status !== 0, "docker compose is not there");
    const path = join(tempDir(), "compose.yaml");
    writeFileSync(path, rendered.content);
    const read = execFileSync("docker", ["compose", "-f", path, "config", "--format", "json"]);
    expect(Object.keys(JSON.parse(read.toString()).services)).toHaveLength(3);
  });
});

it.each<[Format, RegExp]>([
  ["cron", / watchdog --config /],
  ["launchd", /afk\.test\.watchdog/],
  ["compose", /afk watchdog/],
])("%s renders the watchdog and the backup beside the work, and no secret", (format, watchdog) => {
  const environment = { ALERT_WEBHOOK: "https://ntfy.sh/quite-secret" };
  const made = renderOnly(
    planRelease(load(withBase({ agent: "test" }), { environment }), ["/usr/bin/afk"], environment),
    format,
  );
  const all = [made, ...made.beside].map(({ content }) => content).join("\n");
  expect(all).toMatch(watchdog);
  expect(all).toMatch(/backup[\s\S]*afk-\{date\}\.db/);
  expect(all).not.toContain("quite-secret");
  expect(all).toContain("ALERT_WEBHOOK");
});

function commandsOf(crontab: string): { time: string; command: string }[] {
  return crontab
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => {
      const [, time = "", command = ""] = /^((?:\S+ ){4}\S+) (.*)$/.exec(line) ?? [];
      return { time, command: command.replaceAll("\\%", "%") };
    });
}
