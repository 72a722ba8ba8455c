import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { fakeDocker, staged, start } from "./staged.ts";

const IS_ROOT = process.getuid?.() === 0;

/**
 * A staged host with a control group of afk.slice that is a folder of plain files: one container of a worker, one of the
 * gateway. `systemctl` writes down its words; `is-enabled` says what `enabled` says.
 */
function host() {
  const root = staged();
  const docker = fakeDocker("exit 0");
  const fake = join(root, "fake");
  const group = (name: string, ...processes: number[]) => {
    mkdirSync(join(fake, "slice", name), { recursive: true });
    writeFileSync(join(fake, "slice", name, "cgroup.kill"), "");
    writeFileSync(join(fake, "slice", name, "cgroup.procs"), processes.map((pid) => `${pid}\n`).join(""));
  };
  group("docker-worker.scope", 4711);
  const systemctl = join(docker.environment.PATH?.split(":")[0] ?? "", "systemctl");
  writeFileSync(
    systemctl,
    `#!/bin/sh
echo "$*" >>"${fake}/told"
case "$1" in show) echo "/../../..${fake}/slice" ;; is-enabled) [ -e "${fake}/enabled" ] ;; esac
`,
  );
  chmodSync(systemctl, 0o755);
  const read = (name: string) => (existsSync(join(fake, name)) ? readFileSync(join(fake, name), "utf8") : "");
  return {
    root,
    startGateway: () => {
      group("afk-gateway.slice", 0);
      group("afk-gateway.slice/docker-gateway.scope", 4712);
    },
    killed: (name: string) => read(`slice/${name}/cgroup.kill`) !== "",
    told: () =>
      read("told")
        .split("\n")
        .filter((line) => line !== "" && !line.startsWith("show")),
    lib: (name: string, words: string[] = [], environment: NodeJS.ProcessEnv = {}) =>
      start(join(root, "usr/local/lib/afk", name), words, { ...docker.environment, ...environment }).ended,
  };
}

describe("what ends a worker", () => {
  it("leaves the gateway alone, whose clients did not fail", async () => {
    const { lib, startGateway, killed, told } = host();
    startGateway();
    const failed = { SERVICE_RESULT: "exit-code", EXIT_CODE: "exited", EXIT_STATUS: "1" };
    expect((await lib("end-container", ["afk", "afk.service"], failed)).code).toBe(0);
    expect(killed("docker-worker.scope")).toBe(true);
    expect([killed("afk-gateway.slice"), killed("afk-gateway.slice/docker-gateway.scope")]).toEqual([
      false,
      false,
    ]);
    expect(told()).toEqual([]);
  });

  it("kills the whole slice where there is no gateway, or no way to spare it", async () => {
    const { lib, killed, told } = host();
    await lib("kill-worker");
    expect(killed("docker-worker.scope")).toBe(false);
    expect(told()).toEqual(["kill --signal=SIGKILL afk.slice"]);
  });

  it("does not take the gateway's processes for a worker's", async () => {
    const { lib, startGateway } = host();
    startGateway();
    expect((await lib("worker-processes")).stdout).toBe("4711\n");
  });
});

it("what ends the gateway's unit kills what is in its slice, and nothing else", async () => {
  const { lib, startGateway, killed, told } = host();
  startGateway();
  const crashed = { SERVICE_RESULT: "signal", EXIT_CODE: "killed", EXIT_STATUS: "KILL" };
  const words = ["afk-gateway", "afk-gateway.service", "afk-gateway.slice"];
  expect((await lib("end-container", words, crashed)).code).toBe(0);
  expect(told()).toEqual(["kill --signal=SIGKILL afk-gateway.slice"]);
  expect(killed("docker-worker.scope")).toBe(false);
});

it.skipIf(!IS_ROOT)(
  "the host command refuses a gateway whose port nobody would reach, and names the unit",
  async () => {
    const { lib } = host();
    const { code, stderr } = await lib("../../bin/afk", ["gateway"]);
    expect(code).toBe(2);
    expect(stderr).toContain("systemctl enable --now afk-gateway.service");
  },
);
