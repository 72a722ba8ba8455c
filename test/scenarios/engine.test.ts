import { Network } from "testcontainers";
import { afterAll, beforeAll, describe, expect, inject, onTestFinished, test } from "vitest";
import { docker, run } from "../support/engine/command.ts";
import { behave, modelRequests, modelTraffic, startModel } from "../support/engine/model.ts";
import { startVm, type Vm } from "../support/engine/vm.ts";

/** What the other scenarios stand on: a VM that is one in what they rely on, and a model that is told what to do. */
const { afkImage, modelImage } = inject("engine");

describe("the stand-in VM", () => {
  let machine: Vm;
  beforeAll(async () => {
    machine = await startVm();
    await machine.load(afkImage);
  });
  afterAll(() => machine?.stop());

  const worker = (...words: string[]) =>
    machine.exec([
      ...["docker", "run", "--rm", "--init", "--network", "none", "--cgroup-parent", "afk.slice"],
      ...words,
    ]);

  test("runs systemd, and an engine that leaves groups of processes to it", async () => {
    expect((await machine.ok("cat /proc/1/comm")).trim()).toBe("systemd");
    expect(await machine.ok("docker info --format '{{.CgroupDriver}} {{.Driver}}'")).toBe(
      "systemd overlay2\n",
    );
  });

  test("kills what is in a slice, whatever the engine thinks of it", async () => {
    const detached = await worker("-d", "--name", "afk", "--entrypoint", "sleep", afkImage, "600");
    expect(detached.stderr).toBe("");
    expect(await machine.ok("docker ps -q --filter name=afk")).not.toBe("");
    await machine.ok("systemctl kill --signal=SIGKILL afk.slice");
    await expect.poll(() => machine.ok("docker ps -aq --filter name=afk"), { timeout: 20_000 }).toBe("");
  });

  test("joins two networks in one command, one of them without a way out", async () => {
    await machine.ok("docker network create out && docker network create --internal in");
    const words = ["docker", "run", "--rm", "--network", "out", "--network", "in", "--entrypoint", "sh"];
    const shown = await machine.ok([...words, afkImage, "-c", "ls /sys/class/net"]);
    expect(shown.split("\n").filter((name) => name.startsWith("eth"))).toHaveLength(2);
  });

  test("enforces limits of memory", async () => {
    const hog = "const held=[];for(;;)held.push(Buffer.alloc(1e6,1))";
    const words = ["--memory", "96m", "--memory-swap", "96m", "--entrypoint", "node", afkImage, "-e", hog];
    expect((await worker(...words)).code).toBe(137);
  });

  test.each(["reboot", "powerCut"] as const)(
    "keeps files, images and enabled units over a %s",
    async (how) => {
      await machine.write("/etc/kept", "this");
      const unit =
        "[Service]\nType=oneshot\nExecStart=/usr/bin/touch /run/started\n[Install]\nWantedBy=multi-user.target\n";
      await machine.write("/etc/systemd/system/kept.service", unit);
      await machine.ok("systemctl enable kept.service");
      await machine.write("/run/lost", "that");
      await machine[how]();
      expect(await machine.ok("cat /etc/kept")).toBe("this");
      expect((await machine.exec("test -e /run/lost")).code).toBe(1);
      expect((await machine.exec("test -e /run/started")).code).toBe(0);
      expect(await machine.ok(["docker", "image", "ls", "-q", afkImage])).not.toBe("");
    },
  );
});

describe("the stand-in model", () => {
  const chat = JSON.stringify({
    model: "small:1b",
    stream: true,
    messages: [{ role: "user", content: "hello" }],
  });
  const ask = (network: string, body = chat) => {
    const code = `const r=await fetch("http://ollama:11434/api/chat",{method:"POST",body:${JSON.stringify(body)}});console.log(r.status,await r.text())`;
    return run("docker", [
      "run",
      "--rm",
      "--network",
      network,
      "--entrypoint",
      "node",
      afkImage,
      "--input-type=module",
      "-e",
      code,
    ]);
  };

  test("answers for the models that were pulled, and writes down each request and when its bytes came", async () => {
    const network = await new Network().start();
    onTestFinished(() => network.stop().then(() => undefined));
    const model = await startModel(network, ["small:1b"]);
    onTestFinished(() => model.stop());
    expect(await model.inModel(["ollama", "list"])).toContain("small:1b");
    const before = (await modelTraffic(model.inModel)).length;

    expect((await ask(network.getName())).stdout).toMatch(/^200 .*"done":true/s);
    expect((await ask(network.getName(), chat.replace("small:1b", "other"))).stdout).toContain("404");
    const bodies = (await modelRequests(model.inModel)).filter(({ path }) => path === "/api/chat");
    expect(bodies.map(({ body }) => JSON.parse(body).model)).toEqual(["small:1b", "other"]);
    expect((await modelTraffic(model.inModel)).length).toBeGreaterThan(before);

    await behave(model.inModel, {
      next: [{ type: "error", status: 503 }],
      otherwise: { type: "die", pieces: 1 },
    });
    expect((await ask(network.getName())).stdout).toMatch(/^503/);
    expect((await ask(network.getName())).stderr).toContain("terminated");
    await expect
      .poll(() => docker(["inspect", "-f", "{{.State.Running}}", model.container.getId()]))
      .toBe("false\n");
  });

  test("pulls for a server that comes later, and says so when it cannot", async () => {
    const { stdout } = await run("docker", ["volume", "create"]);
    const volume = stdout.trim();
    onTestFinished(() => docker(["volume", "rm", "-f", volume]).then(() => undefined));
    const once = (script: string) =>
      run("docker", [
        "run",
        "--rm",
        "--init",
        "-v",
        `${volume}:/root/.ollama`,
        "--entrypoint",
        "sh",
        modelImage,
        "-c",
        script,
      ]);
    const served = "ollama serve & until ollama list; do sleep 0.1; done; ollama pull small:1b";
    expect((await once(served)).code).toBe(0);
    await once(`ollama stand-in behave '{"refusesPulls":true}'`);
    expect((await once(served)).code).not.toBe(0);
    expect((await once("ollama serve & until ollama list; do sleep 0.1; done")).stdout).toContain("small:1b");
  });
});
