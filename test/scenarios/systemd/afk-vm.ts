import { inject } from "vitest";
import type { Behaviours } from "../../support/engine/model/state.ts";
import { behave, type InModel } from "../../support/engine/model.ts";
import { startVm, type Vm } from "../../support/engine/vm.ts";
import { eventually } from "./eventually.ts";
import { type Receiver, startReceiver } from "./receiver.ts";

/**
 * A VM on which afk is installed as a person would do it: from the image alone. It has the stand-in model at its place on
 * afk-internal, and a receiver of alerts on another machine.
 */
export interface AfkVm extends Vm {
  receiver: Receiver;
  /** Writes afk.yaml; JSON is YAML. What is not given has a default that costs nothing. */
  configure(config: Record<string, unknown>): Promise<void>;
  /** Files for a digest to read. */
  fillInbox(count: number): Promise<void>;
  /** Stops everything and forgets the state, so that the next test begins on a fresh agent. */
  reset(): Promise<void>;
  /** Says what the model does from now on. */
  model(change: Partial<Behaviours>): Promise<void>;
  /** What has reached the model, read past the engine, which may be frozen. */
  traffic(): Promise<Arrival[]>;
}

/** A connection (0 bytes) or a piece that arrived on one, by the VM's clock. */
export interface Arrival {
  at: number;
  bytes: number;
}

export const INBOX = { name: "digest", kind: "digest", every: "1s", sources: [{ folder: "/data/inbox" }] };
const WEBHOOK_SECRET = "/hook/a-secret-in-the-path";
const TRAFFIC_FILE = "/var/lib/docker/volumes/afk-models/_data/stand-in/traffic.jsonl";
const UNPACK = "docker run --rm --entrypoint tar IMAGE -C /app -cf - systemd | tar -C /root -xf -";

export async function startAfkVm(): Promise<AfkVm> {
  const { afkImage, modelImage } = inject("engine");
  const [vm, receiver] = await Promise.all([startVm(), startReceiver()]);
  await vm.load(afkImage);
  await vm.load(modelImage);
  await vm.ok(UNPACK.replace("IMAGE", afkImage));
  await vm.ok(["/root/systemd/install", "--image", afkImage]);
  await vm.write("/etc/afk/env", `ALERT_WEBHOOK=${receiver.url}${WEBHOOK_SECRET}\n`, "600");
  await vm.ok("/usr/local/lib/afk/prepare");
  await startModel(vm, modelImage);
  const inModel: InModel = (words) => vm.ok(["docker", "exec", "afk-ollama", ...words]);
  return {
    ...vm,
    receiver,
    configure: (config) => vm.write("/etc/afk/afk.yaml", JSON.stringify({ ...DEFAULTS, ...config }, null, 2)),
    fillInbox: async (count) => {
      const script = `for n in $(seq ${count}); do echo "Item $n says something. It is short." > $n.md; done`;
      await vm.ok(
        `rm -rf /var/lib/afk/data/inbox && mkdir /var/lib/afk/data/inbox && cd /var/lib/afk/data/inbox && umask 022 && ${script}`,
      );
    },
    reset: () => reset(vm, receiver),
    model: (change) => behave(inModel, change),
    traffic: async () => {
      const { stdout } = await vm.exec(["cat", TRAFFIC_FILE]);
      return stdout
        .split("\n")
        .filter(Boolean)
        .map((line) => JSON.parse(line) as Arrival);
    },
    stop: async () => {
      await Promise.all([vm.stop(), receiver.stop()]);
    },
  };
}

const DEFAULTS = {
  agent: "in-a-vm",
  budget: { daily_cap_usd: 1 },
  models: { chain: ["extractive"] },
  egress: { allow: [] },
  jobs: [INBOX],
};

/** The container that afk-ollama.service would run, with the stand-in's image; the unit itself has a test of its own. */
async function startModel(vm: Vm, image: string): Promise<void> {
  await vm.ok(
    `docker run -d --name afk-ollama --restart always --init --network afk-internal --network-alias ollama -v afk-models:/root/.ollama ${image}`,
  );
  await eventually("the model answers", async () => {
    const { code } = await vm.exec("docker exec afk-ollama ollama list");
    return code === 0;
  });
  await vm.ok("docker exec afk-ollama ollama pull qwen2.5:3b");
}

const UNITS = "afk.timer afk-loop.service afk-stop.path afk-watchdog.timer afk-backup.timer";

async function reset(vm: Vm, receiver: Receiver): Promise<void> {
  await vm.ok(`rm -f /var/lib/afk/STOP /var/lib/afk/data/STOP; systemctl disable -q --now ${UNITS}`);
  await vm.ok(
    "systemctl stop 'afk-*.service' afk.service; systemctl reset-failed; rm -rf /run/afk-alert /etc/systemd/system/afk*.d/99-*",
  );
  await vm.ok(
    "systemctl daemon-reload; find /var/lib/afk/data -mindepth 1 -delete; install -d -m 700 -o 1000 -g 1000 /var/lib/afk/data/backups",
  );
  await vm.write("/etc/afk/env", `ALERT_WEBHOOK=${receiver.url}${WEBHOOK_SECRET}\n`, "600");
}
