import { inject } from "vitest";
import { docker, run } from "../../support/engine/command.ts";
import { labelWords, uniqueName } from "../../support/engine/names.ts";
import { eventually } from "../systemd/eventually.ts";

/** A container of the image under the restrictions that compose.yaml and the units give it. */
export interface Worker {
  id: string;
  state(): Promise<WorkerState>;
  /** Resolves with the exit code once it does not run any more. */
  ended(timeoutMs?: number): Promise<number>;
  /** All that it has printed, in both streams. */
  logs(): Promise<string>;
  /** Starts the same container again. */
  again(): Promise<void>;
  remove(): Promise<void>;
}

export interface WorkerState {
  Running: boolean;
  ExitCode: number;
}

export interface WorkerOptions {
  env?: Record<string, string>;
  /** More words for `docker run`. */
  docker?: readonly string[];
  /** Another build of afk than the one for this machine. */
  image?: string;
  /** In the place of afk. */
  entrypoint?: string;
  memory?: string;
  /** How the state volume is mounted; null leaves it out. */
  data?: "rw" | "ro" | null;
}

export interface Place {
  network: string;
  state: string;
  etc: string;
}

export async function startWorker(
  place: Place,
  words: readonly string[],
  options?: WorkerOptions,
): Promise<Worker> {
  const name = uniqueName("worker");
  const id = (await docker(["run", "-d", "--name", name, ...workerWords(place, words, options)])).trim();
  const state = async (): Promise<WorkerState> =>
    JSON.parse(await docker(["inspect", "-f", "{{json .State}}", id]));
  return {
    id,
    state,
    ended: async (timeoutMs) => {
      await eventually("the worker ends", async () => !(await state()).Running, timeoutMs);
      return (await state()).ExitCode;
    },
    logs: async () => {
      const { stdout, stderr } = await run("docker", ["logs", id]);
      return stdout + stderr;
    },
    again: async () => {
      await docker(["start", id]);
    },
    remove: async () => {
      await run("docker", ["rm", "-fv", id]);
    },
  };
}

/** The words after `docker run`, and before them what the caller wants of it. */
export function workerWords(
  { network, state, etc }: Place,
  words: readonly string[],
  { env = {}, docker: more = [], entrypoint, memory = "512m", data = "rw", image }: WorkerOptions = {},
): string[] {
  return [
    labelWords(),
    ["--init", "--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"],
    ["--memory", memory, "--memory-swap", memory, "--pids-limit", "256", "--tmpfs", "/tmp:size=64m"],
    ["--network", network, "-v", `${etc}:/etc/afk:ro`],
    data === null ? [] : ["-v", `${state}:/data:${data}`],
    Object.entries(env).flatMap(([name, value]) => ["-e", `${name}=${value}`]),
    entrypoint === undefined ? [] : ["--entrypoint", entrypoint],
    more,
    [image ?? inject("engine").afkImage, ...words],
  ].flat();
}
