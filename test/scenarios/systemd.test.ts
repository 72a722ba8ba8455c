import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from "vitest";
import { say } from "../support/engine/command.ts";
import { type AfkVm, startAfkVm } from "./systemd/afk-vm.ts";
import { healEngine, SHUT_DOWN } from "./systemd/engine.ts";
import { eventually } from "./systemd/eventually.ts";

/** The units at work: installed from the image into a VM, with a real timer, a real engine and a real receiver of alerts. */
let vm: AfkVm;

beforeAll(async () => {
  vm = await startAfkVm();
});
afterAll(() => vm?.stop());
beforeEach(async () => {
  await vm.reset();
  await vm.configure({});
  await vm.fillInbox(2);
});

/** What doctor says of units and configuration. */
async function drift(): Promise<string[]> {
  const { stdout } = await vm.exec("afk doctor --offline --json");
  const { checks } = JSON.parse(stdout) as { checks: { name: string; found: string }[] };
  return checks.filter(({ name }) => name === "drift").map(({ found }) => found);
}

const SECURITY_MAX = 1.5;

describe("installed", () => {
  it("the units are in order, and deny each service what it does not need", async () => {
    const again = await vm.ok("/root/systemd/install");
    expect(again).not.toMatch(/^wrote|^made/m);
    expect(await drift()).toEqual([
      expect.stringContaining("nothing was released yet"),
      expect.stringMatching(/^\d\d units as this afk ships them$/),
    ]);
    await vm.ok("afk release --reason first; echo '# mine' >> /etc/systemd/system/afk.service");
    expect(await drift()).toContain("/etc/systemd/system/afk.service is not as this afk ships it");
    await vm.ok("/root/systemd/install");
    const verified = await vm.exec(
      "systemd-analyze verify $(ls /etc/systemd/system/afk* -d | grep -v '[.]d$')",
    );
    expect(verified).toEqual({ code: 0, stdout: "", stderr: "" });
    const services = (await vm.ok("cd /etc/systemd/system && ls afk*.service"))
      .trim()
      .split("\n")
      .map((name) => name.replace("@.", "@afk.service."));
    expect(services).toHaveLength(17);
    for (const service of services) {
      const analysis = await vm.ok(["systemd-analyze", "security", "--no-pager", service]);
      const exposure = Number(/exposure level for \S+: ([\d.]+)/.exec(analysis)?.[1]);
      say(`  ${service}: exposure ${exposure}`);
      expect(exposure).toBeLessThanOrEqual(SECURITY_MAX);
    }
  });

  it("an installer that lacks something says what", async () => {
    const { code, stderr } = await vm.exec("/root/systemd/install --image no-such-image:ever");
    expect(code).toBe(1);
    expect(stderr).toContain("there is no image no-such-image:ever");
    expect((await vm.ok("cat /etc/afk/image")).trim()).toBe(inject("engine").afkImage);
  });

  it("a first afk.yaml is written, which afk accepts and which knows the local model", async () => {
    await vm.ok("rm /etc/afk/afk.yaml && /root/systemd/install");
    const { stdout } = await vm.exec("afk doctor --json");
    expect(JSON.stringify(JSON.parse(stdout))).toContain("/etc/afk/afk.yaml: agent");
    expect(await vm.ok("cat /etc/afk/afk.yaml")).toContain("{ base_url: http://ollama:11434 }");
  });
});

describe("the timer", () => {
  it("runs a tick when it is started, and others by itself", async () => {
    await vm.ok("systemctl start afk.timer");
    await untilDigest();
    await vm.write(
      "/etc/systemd/system/afk.timer.d/99-often.conf",
      "[Timer]\nOnCalendar=\nOnCalendar=*:*:0/2\n",
    );
    const before = await tickCount();
    await vm.ok("systemctl daemon-reload && systemctl restart afk.timer");
    await eventually("two ticks come by themselves", async () => (await tickCount()) >= before + 2);
  });

  it("counts a tick that finds another at work as no failure", async () => {
    await vm.configure({ jobs: [{ name: "long", kind: "exec", every: "1h", command: ["sleep", "600"] }] });
    await vm.ok("systemd-run -q --collect /usr/local/bin/afk tick");
    await eventually("the long job runs", async () => (await vm.exec('pgrep -fx "sleep 600"')).code === 0);
    // The timer's first tick finds it. As long as the timer is up, systemd remembers how its service ended.
    await vm.ok("systemctl start afk.timer");
    await eventually(
      "the tick gives way",
      async () => (await property("afk.service", "ExecMainStatus")) === "75",
    );
    expect(await property("afk.service", "Result")).toBe("success");
    // The other is left at work.
    expect((await vm.exec('pgrep -fx "sleep 600"')).code).toBe(0);
    await vm.ok("/usr/local/lib/afk/end-worker 1");
  });
});

describe("a unit that fails", () => {
  it("is told of by afk itself", async () => {
    const before = (await vm.receiver.received()).length;
    await vm.write("/etc/afk/afk.yaml", "agent: broken\nno_such_key: 1\n");
    await vm.exec("systemctl start afk.service");
    const { body, userAgent } = await vm.receiver.alert("unit_failed", before);
    expect(body.title).toBe("afk.service failed");
    expect(body.message).toContain("exit code 78");
    expect(userAgent).not.toContain("curl");
  });

  it("is told of when the engine is dead, with the address on no command line", async () => {
    const before = (await vm.receiver.received()).length;
    await vm.receiver.delay(3_000);
    await vm.ok(SHUT_DOWN);
    try {
      await vm.exec("systemctl start afk.service");
      const { body, path } = await vm.receiver.alert("unit_failed", before);
      expect(body).toMatchObject({
        version: 1,
        agent: "in-a-vm",
        severity: "error",
        title: "afk.service failed",
      });
      expect(body.message).toContain("Result: exit-code");
      expect(path).toBe("/hook/a-secret-in-the-path");
      // The receiver takes its time to answer, so curl is still there.
      const lines = await vm.ok(
        "for f in /proc/[0-9]*/cmdline; do tr '\\0' ' ' < $f; echo; done 2>/dev/null; true",
      );
      expect(lines).toContain("curl --disable");
      expect(lines.split("\n").filter((line) => line.includes("a-secret-in-the-path"))).toEqual([]);
    } finally {
      await vm.receiver.delay(0);
      await healEngine(vm);
    }
  });
});

describe("the watchdog", () => {
  it("notices a dead timer, and goes on when the timer is stopped", async () => {
    const before = (await vm.receiver.received()).length;
    await vm.configure({ heartbeat: { grace: "1s" } });
    await vm.ok("systemctl start afk.timer");
    await untilDigest();
    await vm.ok("systemctl stop afk.timer");
    expect(await property("afk-watchdog.timer", "ActiveState")).toBe("active");
    await eventually("the next tick is late", async () => {
      await vm.ok("systemctl start afk-watchdog.service");
      return (await vm.receiver.received()).slice(before).some(({ body }) => body.event === "heartbeat_late");
    });
    expect(await property("afk-watchdog.service", "Result")).toBe("success");
  });
});

describe("the STOP file", () => {
  it("ends what runs, keeps new runs away, and works again after a resume", async () => {
    await vm.configure({ jobs: [{ name: "long", kind: "exec", every: "1s", command: ["sleep", "600"] }] });
    await vm.ok("systemctl start afk.timer");
    for (const stop of ["touch /var/lib/afk/STOP", "afk stop --reason 'a \"test\"'"]) {
      await eventually("the worker is at work", async () => {
        await vm.ok("systemctl start --no-block afk.service");
        return (await vm.exec('pgrep -fx "sleep 600"')).code === 0;
      });
      await vm.ok(stop);
      await eventually("the worker is gone", async () => {
        const { stdout } = await vm.exec("docker ps -q --filter name='^afk$'; pgrep -fx 'sleep 600'");
        return stdout.trim() === "";
      });
      await eventually(
        "the stop is held",
        async () => (await property("afk-stop.service", "SubState")) === "running",
      );
      await vm.ok("systemctl start afk.service");
      expect(await property("afk.service", "ConditionResult")).toBe("no");
      const resumed = await vm.ok("afk resume");
      expect(resumed).toContain("cleared");
      await eventually(
        "the stop is over",
        async () => (await property("afk-stop.service", "ActiveState")) === "inactive",
      );
    }
    expect(await property("afk.timer", "ActiveState")).toBe("active");
  });
});

describe("a reboot", () => {
  it("brings an enabled timer back, whose ticks go on, and leaves a set kill set", async () => {
    await vm.ok("systemctl enable -q --now afk.timer");
    await untilDigest();
    await vm.ok("afk backup /root/before-the-reboot.db");
    const before = await tickCount();
    await vm.reboot();
    expect(await property("afk.timer", "ActiveState")).toBe("active");
    await eventually("a tick", async () => (await tickCount()) > before);

    await vm.ok("afk stop --reason 'before the second reboot'");
    const ticks = await tickCount();
    await vm.powerCut();
    expect(await property("afk.timer", "ActiveState")).toBe("active");
    await eventually(
      "the stop is held",
      async () => (await property("afk-stop.service", "SubState")) === "running",
    );
    await vm.ok("systemctl start afk.service");
    expect(await tickCount()).toBe(ticks);
    expect(JSON.parse(await vm.ok("afk status --json")).killed.by).toBe("file");
  });
});

describe("the backup", () => {
  it("makes a copy that restore accepts, and keeps seven", async () => {
    await vm.ok("systemctl start afk.timer");
    await untilDigest();
    await vm.ok(
      "cd /var/lib/afk/data/backups && for d in 1 2 3 4 5 6 7 8; do echo old > afk-2020-01-0$d.db; done",
    );
    await vm.ok("systemctl start afk-backup.service");
    const files = (await vm.ok("ls /var/lib/afk/data/backups")).trim().split("\n");
    expect(files).toHaveLength(7);
    const newest = files.at(-1) ?? "";
    expect(newest).toMatch(/^afk-20\d\d-\d\d-\d\d\.db$/);
    await vm.ok("systemctl stop afk.timer");
    // By way of a folder that no container sees.
    await vm.ok(
      `mv /var/lib/afk/data/backups/${newest} /root/copy.db && afk restore --dry-run /root/copy.db`,
    );
    expect(await vm.ok("afk restore /root/copy.db")).toContain("restored");
    expect(JSON.parse(await vm.ok("afk status --json")).killed).not.toBeNull();
    expect(await vm.ok("afk resume")).toContain("cleared");
  });
});

describe("the loop", () => {
  it("takes the timer's place, comes back after a crash, and not after a stop", async () => {
    await vm.write("/etc/systemd/system/afk-loop.service.d/99-soon.conf", "[Service]\nRestartSec=1\n");
    await vm.ok("systemctl daemon-reload; systemctl start afk.timer");
    await untilDigest();
    await vm.ok("systemctl start afk-loop.service");
    expect(await property("afk.timer", "ActiveState")).toBe("inactive");
    await loopIsUp();
    await vm.ok("docker kill -s KILL afk");
    await eventually(
      "it is started again",
      async () => Number(await property("afk-loop.service", "NRestarts")) > 0,
    );
    await loopIsUp();

    await vm.ok("afk stop");
    await eventually(
      "it ends",
      async () => (await property("afk-loop.service", "ActiveState")) === "inactive",
    );
    const resumed = await vm.exec("afk resume");
    expect(resumed.stderr).toContain("Nothing is scheduled");

    await vm.ok("systemctl start afk-loop.service");
    await loopIsUp();
    await vm.ok("systemctl start afk.timer");
    expect(await property("afk-loop.service", "ActiveState")).toBe("inactive");
  });
});

describe("the gateway", () => {
  const answers = async () => (await vm.exec("curl -fsSI http://127.0.0.1:4236/")).code === 0;

  it("goes on when what is left of a tick is killed", async () => {
    await vm.ok("systemctl start afk-gateway.service");
    await eventually("it answers", answers);
    const process = () => vm.ok("docker inspect -f '{{.State.Pid}}' afk-gateway");
    const before = await process();
    await vm.ok("/usr/local/lib/afk/kill-worker");
    expect(await answers()).toBe(true);
    expect(await process()).toBe(before);
  });

  it("answers on loopback, and ends with what runs the agent", async () => {
    await vm.ok("systemctl start afk.timer afk-gateway.service");
    await eventually("it answers", answers);
    await vm.ok("systemctl stop afk.timer");
    expect(await property("afk-gateway.service", "ActiveState")).toBe("inactive");
    expect(await answers()).toBe(false);

    await vm.ok("systemctl start afk-loop.service && systemctl start afk-gateway.service");
    await eventually("it answers beside the loop", answers);
    await vm.ok("systemctl restart afk-loop.service");
    await eventually("it answers again", answers);
    await vm.ok("systemctl stop afk-loop.service");
    expect(await property("afk-gateway.service", "ActiveState")).toBe("inactive");
    await vm.ok("systemctl start afk.timer");
  });
});

describe("the local model", () => {
  it("is fetched by a container of its own, and served without a way out", async () => {
    await vm.ok("docker rm -f afk-ollama && docker volume rm afk-models");
    await vm.write("/etc/afk/ollama", `OLLAMA_IMAGE=${inject("engine").modelImage}\nOLLAMA_MODEL=small:1b\n`);
    await vm.ok("systemctl start afk-ollama.service");
    await eventually("the model is there", async () => {
      const { stdout } = await vm.exec("docker exec afk-ollama ollama list");
      return stdout.includes("small:1b");
    });
    expect(await property("afk-ollama-pull.service", "Result")).toBe("success");
    const networks = await vm.ok(
      "docker inspect -f '{{range $name, $n := .NetworkSettings.Networks}}{{$name}} {{end}}' afk-ollama",
    );
    expect(networks.trim()).toBe("afk-internal");
    expect((await vm.ok("docker port afk-ollama")).trim()).toBe("");
    await vm.ok("systemctl stop afk-ollama.service");
    expect((await vm.ok("docker ps -aq --filter name=afk-ollama")).trim()).toBe("");
  });
});

describe("uninstalled", () => {
  it("nothing runs, and state and configuration are there", async () => {
    await vm.ok("systemctl enable -q --now afk.timer");
    await untilDigest();
    await vm.ok("/root/systemd/install --uninstall");
    const units = "find /etc/systemd/system -name 'afk*' -type f";
    expect(await vm.ok(`${units}; ls -d /usr/local/lib/afk /usr/local/bin/afk 2>/dev/null; true`)).toBe("");
    expect(
      await vm.ok("systemctl list-units --all --plain --no-legend 'afk*' | grep -v not-found; true"),
    ).not.toMatch(/ active /);
    await vm.ok("test -f /var/lib/afk/data/afk.db && test -f /etc/afk/env && test -f /etc/afk/afk.yaml");
    await vm.ok("/root/systemd/install --start");
    expect(await property("afk.timer", "ActiveState")).toBe("active");
  });
});

async function untilDigest(): Promise<void> {
  await eventually(
    "a digest is published",
    async () => (await vm.exec("ls /var/lib/afk/data/out/*.md")).code === 0,
  );
}

/** Ticks that began, by the log. */
async function tickCount(): Promise<number> {
  return Number(await vm.ok('cat /var/lib/afk/data/logs/*.jsonl | grep -c \'"event":"tick_started"\'; true'));
}

async function property(unit: string, name: string): Promise<string> {
  return (await vm.ok(["systemctl", "show", "-P", name, unit])).trim();
}

async function loopIsUp(): Promise<void> {
  const before = await tickCount();
  await eventually("the loop ticks", async () => (await tickCount()) > before);
  expect(await property("afk-loop.service", "ActiveState")).toBe("active");
}
