import { inject } from "vitest";
import { docker } from "../../support/engine/command.ts";
import { labelWords, uniqueName } from "../../support/engine/names.ts";

/**
 * A container that sees every process of the engine's machine, wherever that is, and has its clock. What the kernel knows
 * of a container's processes does not depend on what the engine believes.
 */
export interface Watchman {
  /** The clock that the model's log of its traffic is written by, too. */
  nowMs(): Promise<number>;
  /** Process ids, on the engine's machine, of everything that lives in a container's control group. */
  processesOf(containerId: string): Promise<number[]>;
  stop(): Promise<void>;
}

const IN_GROUP = 'grep -l -- "$1" /proc/[0-9]*/cgroup 2>/dev/null; true';

export async function startWatchman(): Promise<Watchman> {
  const name = uniqueName("watchman");
  const words = ["run", "-d", "--name", name, ...labelWords(), "--pid", "host", "--network", "none"];
  const image = inject("engine").afkImage;
  await docker([...words, "--no-healthcheck", "--init", "--entrypoint", "sleep", image, "infinity"]);
  const look = (words: string[]) => docker(["exec", name, ...words]);
  return {
    nowMs: async () => Number(await look(["date", "+%s%3N"])),
    processesOf: async (containerId) => {
      const files = (await look(["sh", "-c", IN_GROUP, "look", containerId])).split("\n").filter(Boolean);
      return files.map((file) => Number(file.split("/")[2]));
    },
    stop: async () => {
      await docker(["rm", "-f", name]);
    },
  };
}
