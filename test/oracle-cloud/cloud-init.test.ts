// biome-ignore-all lint/suspicious/noTemplateCurlyInString: Terraform and afk.yaml write names in this form.
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, test } from "vitest";
import { readAgentConfig } from "../../src/agent.ts";
import { userData } from "./cloud-config.ts";
import { isInstalled, read, run, secretPatterns } from "./folder.ts";

const systemd = fileURLToPath(new URL("../../systemd/", import.meta.url));
const { text: rendered, cloud, files } = await userData("--image", "ghcr.io/owner/afk:0.1.0");
const file = (path: string): string => files.get(path) ?? `no ${path}`;
const work = mkdtempSync(join(tmpdir(), "afk-cloud-init-"));
afterAll(() => rmSync(work, { recursive: true }));

test("is cloud-config, of a size that Oracle takes", () => {
  expect(rendered.startsWith("#cloud-config\n")).toBe(true);
  // 32,000 bytes of metadata in all, base64 and ssh key included; half of it is left for a longer afk.yaml.
  expect(Buffer.from(rendered).toString("base64").length).toBeLessThan(16_000);
});

test("cloud-init's own schema takes it", async ({ skip }) => {
  skip(!isInstalled("cloud-init"), "cloud-init is not installed on this machine");
  const path = join(work, "user-data.yaml");
  writeFileSync(path, rendered);
  const { code, stdout, stderr } = await run("cloud-init", ["schema", "--config-file", path]);
  expect(`${stdout}${stderr}`).toContain("Valid");
  expect(code).toBe(0);
});

test("is filled in by five names, and Terraform's own syntax is used for nothing else", () => {
  const names = [...read("cloud-init.yaml").matchAll(/\$\{([^}]*)\}/g)].map((match) => match[1]);
  expect(new Set(names)).toEqual(
    new Set(["afk_image", "model", "reboot_time", "start_without", "afk_config_base64"]),
  );
  expect(read("cloud-init.yaml")).not.toContain("%{");
});

describe("every script in it", () => {
  const scripts = [...files].filter(([, content]) => content.startsWith("#!"));

  test.each(scripts)("%s can be read by sh and runs as a program", async (path, content) => {
    expect(content.startsWith("#!/bin/sh\n")).toBe(true);
    expect(content).toContain("\nset -eu\n");
    expect(await run("sh", ["-n"], { input: content })).toMatchObject({ code: 0, stderr: "" });
    expect(cloud.write_files.find((one) => one.path === path)?.permissions).toBe("0755");
  });

  test("there are two", () => {
    expect(scripts.map(([path]) => path)).toEqual([
      "/usr/local/sbin/metadata-firewall",
      "/usr/local/sbin/install-afk",
    ]);
  });
});

test("every unit that it names is in systemd/ or made by it", () => {
  const named = new Set(
    [
      ...rendered.matchAll(
        /\b(?:afk|install-afk|metadata-firewall)[\w-]*@?\.(?:service|timer|path|slice)\b/g,
      ),
    ].map(([name]) => name),
  );
  expect(named.size).toBeGreaterThan(6);
  for (const name of named) {
    expect(files.has(`/etc/systemd/system/${name}`) || existsSync(`${systemd}${name}`), name).toBe(true);
  }
});

test("none of its own units gets the sandbox of afk's services, which would keep it from its work", () => {
  const own = [...files.keys()].filter((path) => path.startsWith("/etc/systemd/system/"));
  expect(own).toHaveLength(2);
  for (const path of own) expect(path).not.toContain("/afk");
});

test("every program that its units start is made by it", () => {
  for (const [path, content] of files) {
    for (const [, program] of content.matchAll(/^ExecStart=(\S+)/gm))
      expect(files.has(program!), path).toBe(true);
  }
});

test("installs from the image with the installer that the image carries, and starts the timer by afk start alone", () => {
  const bootstrap = file("/usr/local/sbin/install-afk");
  expect(bootstrap).toContain('docker cp "$container:/app/systemd"');
  expect(bootstrap).toMatch(/^ *"\$work\/systemd\/install" --image "\$image"$/m);
  const installer = read("../systemd/install");
  expect(installer).toContain("--image NAME");
  // The installer writes the model that it knows; the bootstrap puts the chosen one in its place.
  expect(bootstrap).toContain('"s|^OLLAMA_MODEL=.*|OLLAMA_MODEL=$model|" /etc/afk/ollama');
  expect(installer).toMatch(/^OLLAMA_MODEL=/m);
  expect(bootstrap).toContain('/usr/local/bin/afk start "$@" ||');
  expect(bootstrap).not.toMatch(/systemctl .*afk\.timer/);
  expect(cloud.runcmd.at(-1)).toEqual(["systemctl", "start", "--no-block", "install-afk.service"]);
});

test.each([
  ["", []],
  ["alerts", ["--without-alerts"]],
  ["drills", ["--without-drills"]],
  ["alerts,drills", ["--without-alerts", "--without-drills"]],
])("hands the owner's no on, and no other word: %j", async (without, words) => {
  const [, lines = ""] =
    /(set --\n[\s\S]*?)\n *\/usr\/local\/bin\/afk start/.exec(file("/usr/local/sbin/install-afk")) ?? [];
  const script = `without='${without}'\n${lines}\nprintf '%s\\n' "$@"`;
  const { stdout } = await run("sh", ["-euc", script]);
  expect(stdout.split("\n").filter(Boolean)).toEqual(words);
});

test("a first boot without network is made up for later", () => {
  const unit = file("/etc/systemd/system/install-afk.service");
  expect(unit).toContain("Restart=on-failure");
  expect(unit).toContain("ConditionPathExists=!/var/lib/install-afk.done");
  expect(cloud.runcmd).toContainEqual(["systemctl", "enable", "install-afk.service"]);
  // Waiting for a docker.service that no package has brought yet would fail for good.
  expect(unit).not.toContain("Requires=docker.service");
});

test("the engine uses systemd's cgroups, which afk.slice needs, and bounds its logs", () => {
  expect(JSON.parse(file("/etc/docker/daemon.json"))).toEqual({
    "exec-opts": ["native.cgroupdriver=systemd"],
    "log-driver": "local",
    "log-opts": { "max-size": "10m", "max-file": "3" },
  });
});

test("nobody logs in with a password", () => {
  expect(cloud.ssh_pwauth).toBe(false);
  expect(file("/etc/ssh/sshd_config.d/10-afk.conf")).toContain("PasswordAuthentication no");
  expect(rendered).not.toMatch(/^(chpasswd|password|users|user):/m);
});

test("upgrades by itself, and restarts when no backup runs", () => {
  const upgrades = file("/etc/apt/apt.conf.d/52-afk-upgrades");
  expect(upgrades).toContain('Automatic-Reboot "true"');
  const [, reboot] = upgrades.match(/Automatic-Reboot-Time "(\d\d):\d\d"/)!;
  const [, backup] = read("../systemd/afk-backup.timer").match(/OnCalendar=\*-\*-\* (\d\d):/)!;
  expect(Number(reboot)).not.toBe(Number(backup));
  expect(cloud.timezone).toBe("Etc/UTC");
});

test("disk and memory are bounded", () => {
  expect(cloud.swap.size).toBe(2 * 1024 ** 3);
  expect(file("/etc/systemd/journald.conf.d/50-afk.conf")).toContain("SystemMaxUse=200M");
});

test("holds no secret", () => {
  const text = [rendered, ...files.values()].join("\n");
  for (const pattern of secretPatterns) expect(text.match(pattern)?.[0]).toBeUndefined();
  expect([...files.keys()]).not.toContain("/etc/afk/env");
});

test("brings a configuration that afk takes, whose first model is the one that the sidecar serves", () => {
  const path = join(work, "afk.yaml");
  writeFileSync(path, file("/etc/afk/afk.yaml"));
  const config = readAgentConfig({ config: path, state: work, environment: {} });
  expect(config.agent).toBe("morning-digest");
  expect(read("variables.tf")).toContain(`default     = "qwen2.5:3b"`);
  expect(file("/etc/afk/afk.yaml")).toContain("chain: [ollama/qwen2.5:3b, extractive]");
});

test("the example stands in the folder as it is sent", () => {
  expect(file("/etc/afk/afk.yaml")).toBe(read("afk.yaml"));
});
