import { inject } from "vitest";
import type { InModel } from "../../support/engine/model.ts";
import type { Vm } from "../../support/engine/vm.ts";
import { eventually } from "../systemd/eventually.ts";
import type { Audited } from "./books.ts";

/** The same agent on an engine of its own, which a test may end. Its containers come back with the engine. */
export interface AgentInVm extends Audited {
  configure(config: Record<string, unknown>): Promise<void>;
  fillInbox(count: number): Promise<void>;
  start(): Promise<void>;
}

/** Both images must have been loaded. */
export async function agentInVm(machine: Vm): Promise<AgentInVm> {
  const { afkImage, modelImage } = inject("engine");
  const inModel: InModel = (words) => whenItAnswers(machine, ["docker", "exec", "model", ...words]);
  await machine.ok(
    "docker network create agent && install -d -o 1000 -g 1000 /var/lib/afk /var/lib/afk/inbox",
  );
  await machine.ok(
    `docker run -d --name model --restart always --network agent --network-alias ollama -v model:/root/.ollama ${modelImage}`,
  );
  await inModel(["ollama", "list"]);
  await inModel(["ollama", "pull", "qwen2.5:3b"]);
  return {
    model: { inModel },
    sh: (line) => machine.ok(line.replaceAll("/data/", "/var/lib/afk/")),
    ask: async (words) => {
      const command = ["docker", "exec", "worker", "afk", ...words, "--json"];
      return JSON.parse(await whenItAnswers(machine, command));
    },
    configure: (config) => machine.write("/etc/afk/afk.yaml", JSON.stringify(config)),
    fillInbox: async (count) => {
      await machine.ok(
        `cd /var/lib/afk/inbox; for n in $(seq ${count}); do echo "Item $n says something." > item-$n.md; done`,
      );
    },
    start: async () => {
      const hardened = "--init --read-only --cap-drop ALL --security-opt no-new-privileges --memory 512m";
      await machine.ok(
        `docker run -d --name worker --restart unless-stopped ${hardened} --network agent -v /var/lib/afk:/data -v /etc/afk:/etc/afk:ro ${afkImage} run`,
      );
    },
  };
}

/** A container that is just being started again cannot be asked. */
async function whenItAnswers(machine: Vm, command: readonly string[]): Promise<string> {
  let answer = "";
  await eventually(command.slice(0, 4).join(" "), async () => {
    const { code, stdout } = await machine.exec(command);
    answer = stdout;
    return code === 0;
  });
  return answer;
}
