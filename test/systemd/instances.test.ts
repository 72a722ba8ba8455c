// @module-tag processes
import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { renderSystemd } from "../../src/evidence/release/systemd.ts";
import { plan } from "../evidence/release/prepared.ts";
import { tempDir } from "../support/temp.ts";
import { fakeDocker, install, staged, start } from "./staged.ts";

const IS_ROOT = process.getuid?.() === 0;

/** A staged host with the agent without a name and two more. */
function host() {
  const root = staged();
  for (const name of ["one", "two"]) {
    const { code, stderr } = install("--root", root, "--image", "afk:staged", "--instance", name);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    writeFileSync(join(root, `etc/afk/instances/${name}/afk.yaml`), `agent: ${name}\n`);
  }
  const docker = fakeDocker("exit 0");
  const afk = (...words: string[]) => start(join(root, "usr/local/bin/afk"), words, docker.environment).ended;
  return {
    root,
    docker,
    afk,
    lastRun: () =>
      docker
        .calls()
        .filter(([verb]) => verb === "run")
        .at(-1)
        ?.join(" "),
  };
}

describe("the installer", () => {
  it("gives each agent settings and a state of its own, which others cannot read", () => {
    const { root } = host();
    for (const name of ["one", "two"]) {
      expect(statSync(join(root, `etc/afk/instances/${name}/env`)).mode & 0o777).toBe(0o600);
      expect(statSync(join(root, `var/lib/afk/instances/${name}/data`)).mode & 0o777).toBe(0o700);
    }
    expect(existsSync(join(root, "etc/systemd/system/afk@.timer"))).toBe(true);
    expect(existsSync(join(root, "etc/systemd/system/afk@.service.d/10-hardening.conf"))).toBe(true);
  });

  it.each(["gateway", "remote", "a-b", "A", "..", "a/b", ""])(
    "refuses %j, which is no name of a slice of its own",
    (name) => {
      expect(install("--root", tempDir(), "--instance", name).code).not.toBe(0);
    },
  );
});

describe.skipIf(!IS_ROOT)("the host command", () => {
  it("reaches the agent that is named, and the one without a name otherwise", async () => {
    const { root, afk, lastRun } = host();
    expect((await afk("@two", "status")).code).toBe(0);
    expect(lastRun()).toContain(`src=${root}/var/lib/afk/instances/two/data,dst=/data`);
    expect(lastRun()).toContain(`--env-file ${root}/etc/afk/instances/two/env`);
    expect(lastRun()).toContain(`src=${root}/etc/afk/instances/two/afk.yaml,`);
    await afk("@two", "tick");
    expect(lastRun()).toContain("--name afk-by-hand-two --cgroup-parent afk-two.slice");
    await afk("status");
    expect(lastRun()).toContain(`src=${root}/var/lib/afk/data,dst=/data`);
    expect(lastRun()).not.toContain("instances");
  });

  it("stops one of them alone, and by the switch of the host all", async () => {
    const { root, afk } = host();
    const isSet = (path: string) => existsSync(join(root, "var/lib/afk", path));
    await afk("@one", "stop", "--reason", "the bill");
    expect([isSet("instances/one/STOP"), isSet("instances/one/data/STOP")]).toEqual([true, true]);
    expect([isSet("STOP"), isSet("data/STOP"), isSet("instances/two/data/STOP")]).toEqual([
      false,
      false,
      false,
    ]);
    await afk("@one", "resume");
    expect(isSet("instances/one/STOP")).toBe(false);
    await afk("stop");
    // No unit of an agent starts beside it.
    expect(isSet("STOP")).toBe(true);
    expect(readFileSync(join(root, "etc/systemd/system/afk@.service"), "utf8")).toContain(
      "ConditionPathExists=!/var/lib/afk/STOP\n",
    );
  });

  it.each(["@", "@../x", "@gateway", "@A"])("refuses %s", async (word) => {
    const { docker, afk } = host();
    expect((await afk(word, "status")).code).toBe(2);
    expect(docker.calls()).toEqual([]);
  });
});

describe("the kill from outside", () => {
  /** A tree of control groups as the kernel shows it, with a `cgroup.kill` that remembers what it was told. */
  function groups() {
    const root = staged();
    const slice = join(tempDir(), "afk.slice");
    const own = ["docker-1.scope", "afk-one.slice", "afk-one.slice/docker-2.scope", "afk-gateway.slice"];
    for (const [index, name] of own.entries()) {
      mkdirSync(join(slice, name), { recursive: true });
      writeFileSync(join(slice, name, "cgroup.kill"), "");
      writeFileSync(join(slice, name, "cgroup.procs"), `${100 + index}\n`);
    }
    const bin = join(tempDir(), "bin");
    mkdirSync(bin);
    const systemctl = `#!/bin/sh\ncase $1 in show) echo "/../../..${slice}" ;; *) echo "$*" >>'${slice}/told' ;; esac\n`;
    writeFileSync(join(bin, "systemctl"), systemctl);
    chmodSync(join(bin, "systemctl"), 0o755);
    const run = (name: string, ...words: string[]) =>
      spawnSync(join(root, "usr/local/lib/afk", name), words, {
        encoding: "utf8",
        env: { ...process.env, PATH: `${bin}:${process.env.PATH}` },
      });
    const killed = () =>
      own.filter((name) => readFileSync(join(slice, name, "cgroup.kill"), "utf8").trim() === "1");
    return { run, killed };
  }

  it("of the agent without a name leaves the others and the gateway", () => {
    const { run, killed } = groups();
    run("kill-worker");
    expect(killed()).toEqual(["docker-1.scope"]);
  });

  it("of all leaves the gateway alone", () => {
    const { run, killed } = groups();
    run("kill-worker", "--all");
    expect(killed()).toEqual(["docker-1.scope", "afk-one.slice"]);
  });

  it("counts the processes of the one that is meant", () => {
    const { run } = groups();
    expect(run("worker-processes").stdout).toBe("100\n");
    expect(run("worker-processes", "--all").stdout).toBe("100\n101\n102\n");
    expect(run("worker-left").status).toBe(0);
  });
});

it("a release for one of several agents goes to its own timer", () => {
  const rendered = renderSystemd(plan({ instance: "one" }));
  expect(rendered.install("f").join("\n")).toContain("/etc/systemd/system/afk@one.timer.d/schedule.conf");
  expect(rendered.install("f")).toContain("sudo systemctl restart afk@one.timer");
  expect(rendered.uninstall.join("\n")).not.toContain("restart afk.timer");
});

it("the alert of a unit that failed goes through the channels of its own agent", () => {
  const { root, docker } = host();
  const { environment, calls } = docker;
  execFileSync(join(root, "usr/local/lib/afk/alert"), ["afk@one.service"], {
    env: { ...environment, RUNTIME_DIRECTORY: tempDir() },
  });
  const run = calls().find(([verb]) => verb === "run");
  expect(run?.join(" ")).toContain(`--env-file ${root}/etc/afk/instances/one/env`);
  expect(run).toContain("afk@one.service");
});
