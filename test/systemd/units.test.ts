import { spawnSync } from "node:child_process";
import { accessSync, constants, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { hasTool } from "../support/system-tools.ts";
import { SYSTEMD, staged } from "./staged.ts";

/** [section, name, value] of every setting of a unit. */
type Setting = [section: string, name: string, value: string];

const UNITS = readdirSync(SYSTEMD).filter((name) => /\.(?:service|timer|path|slice)$/.test(name));
const SERVICES = UNITS.filter((name) => name.endsWith(".service"));
/** What every host with systemd and Docker has. */
const THEIRS = ["docker.service", "network-online.target", "timers.target", "multi-user.target"];
const RELATIONS =
  /^(?:Wants|Requires|PartOf|Conflicts|After|Before|OnFailure|WantedBy|Also|BindsTo|Requisite|Upholds)$/;

function settingsOf(text: string): Setting[] {
  let section = "";
  const settings: Setting[] = [];
  for (const line of text.split("\n")) {
    if (line === "" || line.startsWith("#")) continue;
    const header = /^\[(Unit|Service|Timer|Path|Slice|Install)\]$/.exec(line)?.[1];
    const setting = /^([A-Z][A-Za-z]+)=(.*)$/.exec(line);
    if (header !== undefined) section = header;
    else if (setting?.[1] !== undefined && section !== "")
      settings.push([section, setting[1], setting[2] ?? ""]);
    else throw new Error(`no setting: ${line}`);
  }
  return settings;
}

const read = (unit: string) => settingsOf(readFileSync(join(SYSTEMD, unit), "utf8"));
const valuesOf = (unit: string, name: string) =>
  read(unit)
    .filter((setting) => setting[1] === name)
    .map((setting) => setting[2]);

describe("the units", () => {
  it.for(UNITS)("%s parses, and says what it is", (unit) => {
    expect(read(unit).length).toBeGreaterThan(0);
    expect(valuesOf(unit, "Description")[0]).toMatch(/^afk: /);
  });

  it.for(UNITS)("%s names only units that are there", (unit) => {
    const named = read(unit)
      .filter(([, name]) => RELATIONS.test(name))
      .flatMap(([, , value]) => value.split(" "))
      .map((name) => name.replace(/@%[ni]/, "@"));
    for (const name of named) expect([...UNITS, ...THEIRS]).toContain(name);
  });

  it.for(SERVICES)("%s runs only programs that are installed or that every host has", (unit) => {
    const commands = read(unit)
      .filter(([, name]) => name.startsWith("Exec"))
      .map(([, , value]) => value.replace(/^[-+@:!]*/, "").split(" ")[0] ?? "");
    expect(commands.length).toBeGreaterThan(0);
    for (const command of commands) {
      const own = /^\/usr\/local\/lib\/afk\/([a-z-]+)$/.exec(command)?.[1];
      if (own === undefined) expect(["true", "timeout", "systemctl"]).toContain(command);
      else expect(() => accessSync(join(SYSTEMD, "lib", own), constants.X_OK)).not.toThrow();
    }
  });

  it("of one of several agents are those of the one without a name, with a name, settings, state and slice of its own", () => {
    const own: Record<string, (text: string) => string> = {
      "afk@.service": (text) =>
        text
          .replace(
            "ConditionPathExists=!/var/lib/afk/data/STOP",
            "$&\nConditionPathExists=!/var/lib/afk/instances/%i/STOP",
          )
          .replace("/var/lib/afk/data/STOP", "/var/lib/afk/instances/%i/data/STOP")
          .replace("end-container afk %n", "end-container afk-i-%i %n afk-%i.slice")
          .replace("prepare afk\n", "prepare afk-i-%i\n")
          .replace("--name afk --cgroup-parent afk.slice", "--name afk-i-%i --cgroup-parent afk-%i.slice")
          // What hangs is ended by the main agent's units: the host's switch is every agent's.
          .replace(/Conflicts=afk-reap\.service\n/, "")
          .replace("After=afk-reap.service ", "After="),
      "afk-watchdog@.service": (text) =>
        text.replaceAll(/(name|prepare|rm -f) afk-watchdog/g, "$1 afk-watchdog-%i"),
      "afk-backup@.service": (text) =>
        text.replaceAll(/(name|prepare|rm -f) afk-backup/g, "$1 afk-backup-%i"),
      "afk@.timer": (text) =>
        text
          .replace("Requires=afk-hold.service\n", "")
          .replaceAll(/afk-(watchdog|backup)\.timer/g, "afk-$1@%i.timer"),
      "afk-watchdog@.timer": (text) => text,
      "afk-backup@.timer": (text) => text,
    };
    for (const [unit, named] of Object.entries(own)) {
      const base = readFileSync(join(SYSTEMD, unit.replace("@", "")), "utf8");
      const expected = settingsOf(named(base)).map(([section, name, value]) =>
        [section, name, value.replace("PartOf=afk.timer", "")].join(" "),
      );
      const isKept = (line: string) =>
        !/^Unit (Description|PartOf|ConditionPathExists)|^Service Environment/.test(line);
      const kept = read(unit).map((setting) => setting.join(" "));
      expect(kept.filter(isKept), unit).toEqual(expected.filter(isKept));
      expect(valuesOf(unit, "Description")[0], unit).toContain("the agent %i");
      if (unit.endsWith(".service")) expect(valuesOf(unit, "Environment"), unit).toEqual(["AFK_INSTANCE=%i"]);
    }
    expect(valuesOf("afk@.service", "PartOf")).toEqual(["afk@%i.timer"]);
    expect(valuesOf("afk@.service", "ConditionPathExists")).toEqual([
      "!/var/lib/afk/STOP",
      "!/var/lib/afk/instances/%i/STOP",
      "!/var/lib/afk/instances/%i/data/STOP",
    ]);
    expect(valuesOf("afk-stop.service", "ExecStartPre").join("\n")).toMatch(
      /afk@\*\.service\n.*end-worker 10 --all/,
    );
  });

  it.for(["afk.service", "afk-loop.service"])("%s runs in the slice that is killed", (unit) => {
    expect(valuesOf(unit, "ExecStart")[0]).toContain("--cgroup-parent afk.slice");
    expect(valuesOf(unit, "ExecStopPost")).toEqual(["+-/usr/local/lib/afk/end-container afk %n"]);
    expect(valuesOf(unit, "KillMode")).toEqual(["mixed"]);
    expect(valuesOf(unit, "ConditionPathExists")).toEqual(["!/var/lib/afk/STOP", "!/var/lib/afk/data/STOP"]);
  });

  it("give the gateway a slice within that one, and end it with what runs the agent", () => {
    const unit = "afk-gateway.service";
    expect(valuesOf(unit, "ExecStart")[0]).toContain("--cgroup-parent afk-gateway.slice");
    expect(valuesOf(unit, "ExecStopPost")).toEqual([
      "+-/usr/local/lib/afk/end-container afk-gateway %n afk-gateway.slice",
    ]);
    expect(valuesOf(unit, "PartOf")).toEqual(["afk-loop.service"]);
    expect(valuesOf("afk-hold.service", "ExecStop")[0]).toMatch(/ systemctl stop afk-gateway\.service$/);
    expect(valuesOf(unit, "KillMode")).toEqual(["mixed"]);
    expect(valuesOf(unit, "ConditionPathExists")).toEqual(["!/var/lib/afk/STOP", "!/var/lib/afk/data/STOP"]);
    expect(valuesOf("afk-stop.service", "ExecStartPre").join("\n")).toContain("afk-gateway.service");
  });

  it("leave what reads the phone up under a switch that it has set, and end it by the file", () => {
    for (const [unit, name, slice] of [
      ["afk-remote.service", "afk-remote", "afk-remote.slice"],
      ["afk-remote@.service", "afk-remote-i-%i", "afk-remote-%i.slice"],
    ] as const) {
      expect(valuesOf(unit, "ExecStart")[0]).toMatch(/-- remote$/);
      expect(valuesOf(unit, "ExecStart")[0]).toContain(`--cgroup-parent ${slice}`);
      expect(valuesOf(unit, "ExecStopPost")).toEqual([
        `+-/usr/local/lib/afk/end-container ${name} %n ${slice}`,
      ]);
      expect(valuesOf(unit, "ConditionPathExists")).toContain("!/var/lib/afk/STOP");
      expect(valuesOf("afk-stop.service", "ExecStartPre").join("\n")).toContain(unit.replace("@", "@*"));
    }
  });

  it("publish the gateway on loopback alone, and keep its port out of the loop", () => {
    expect(valuesOf("afk-gateway.service", "Environment")).toEqual(["AFK_GATEWAY=127.0.0.1:4236"]);
    expect(valuesOf("afk-gateway.service", "ExecStart")[0]).toMatch(
      /--publish \$\{AFK_GATEWAY\}:4236 -- gateway --listen 0\.0\.0\.0:4236 --behind-proxy$/,
    );
    expect(valuesOf("afk-loop.service", "ExecStart")[0]).toMatch(/-- run --no-gateway$/);
  });

  it("put nothing but workers, the gateway and what reads the phone into the slice", () => {
    const workers = ["afk.service", "afk@.service", "afk-loop.service", "afk-gateway.service"].concat(
      "afk-remote.service",
      "afk-remote@.service",
    );
    const others = SERVICES.filter((unit) => !workers.includes(unit));
    const scripts = readdirSync(join(SYSTEMD, "lib")).map((name) => join("lib", name));
    for (const file of [...others, ...scripts]) {
      expect(readFileSync(join(SYSTEMD, file), "utf8")).not.toMatch(/--cgroup-parent/);
    }
  });

  it.for(SERVICES)("%s has a bound on how long it may start and stop, or needs none", (unit) => {
    const isBounded = valuesOf(unit, "TimeoutStartSec").length === 1;
    expect(isBounded || unit === "afk-hold.service").toBe(true);
  });

  it("tell of every failure but that of the telling itself and of the kill paths", () => {
    const silent = SERVICES.filter((unit) => valuesOf(unit, "OnFailure").length === 0);
    expect(silent.sort()).toEqual([
      "afk-alert@.service",
      "afk-hold.service",
      "afk-reap.service",
      "afk-stop.service",
    ]);
    for (const unit of SERVICES.filter((name) => !silent.includes(name))) {
      expect(valuesOf(unit, "OnFailure")).toEqual(["afk-alert@%n.service"]);
    }
  });

  it("keep the alert's address off every command line", () => {
    for (const name of ["lib/alert", "lib/container", "bin/afk"]) {
      expect(readFileSync(join(SYSTEMD, name), "utf8")).not.toMatch(
        /curl[^\n]*\$(?:webhook|escaped)|--env [A-Z_]+=/,
      );
    }
  });

  it("are found good by systemd-analyze verify", ({ skip }) => {
    skip(!hasTool("systemd-analyze"), "systemd-analyze is not installed (apt-get install systemd)");
    const root = staged();
    const folder = join(root, "etc/systemd/system");
    // It looks for the programs on this machine, where they are not.
    for (const unit of UNITS) {
      const text = readFileSync(join(folder, unit), "utf8").replaceAll(
        "/usr/local/lib/afk/",
        `${root}/usr/local/lib/afk/`,
      );
      writeFileSync(join(folder, unit), text);
    }
    // Where Docker is not installed, its unit is not either.
    mkdirSync(folder, { recursive: true });
    writeFileSync(
      join(folder, "docker.service"),
      "[Unit]\nDescription=engine\n[Service]\nExecStart=/bin/true\n",
    );
    const { stdout, stderr, status } = spawnSync(
      "systemd-analyze",
      ["verify", ...UNITS.map((unit) => join(folder, unit))],
      { encoding: "utf8", env: { ...process.env, SYSTEMD_UNIT_PATH: `${folder}:` } },
    );
    expect({ stdout, stderr, status }).toEqual({ stdout: "", stderr: "", status: 0 });
  });
});
