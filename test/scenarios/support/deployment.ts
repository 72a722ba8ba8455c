import { Network } from "testcontainers";
import { inject, type TestContext } from "vitest";
import { type CommandOptions, type CommandResult, docker, run } from "../../support/engine/command.ts";
import { type StartedModel, startModel } from "../../support/engine/model.ts";
import { labelWords, uniqueName } from "../../support/engine/names.ts";
import { startWorker, type Worker, type WorkerOptions, workerWords } from "./worker.ts";

/** One agent as containers: a volume for its state, one for its configuration, a network, and the stand-in model on it. */
export interface Deployment {
  network: string;
  state: string;
  model: StartedModel;
  /** Writes afk.yaml; JSON is YAML. */
  configure(config: Record<string, unknown>): Promise<void>;
  /** Files for a digest to read: item-FROM.md and the following. */
  fillInbox(count: number, from?: number): Promise<void>;
  /** A line of `sh` as root in a container beside the worker, on the same volumes. Throws unless it succeeds. */
  sh(line: string, options?: CommandOptions): Promise<string>;
  /** A command of afk in that container, as its own user. */
  afk(words: readonly string[]): Promise<CommandResult>;
  /** The same with --json. Throws unless it succeeds. */
  ask<T>(words: readonly string[]): Promise<T>;
  /** By the engine's clock, in milliseconds since the epoch. */
  nowMs(): Promise<number>;
  /** A worker in the background. */
  start(words: readonly string[], options?: WorkerOptions): Promise<Worker>;
  /** A container of its own for one command, to its end. */
  run(words: readonly string[], options?: WorkerOptions): Promise<CommandResult>;
}

export interface DeploymentOptions {
  /** What `docker volume create` is told besides, for a state volume of a special kind. */
  stateVolume?: readonly string[];
}

/** It ends with the test whose context is given. */
export async function deploy(
  { onTestFinished }: Pick<TestContext, "onTestFinished">,
  { stateVolume = [] }: DeploymentOptions = {},
): Promise<Deployment> {
  const image = inject("engine").afkImage;
  const [name, state, etc] = [uniqueName("keeper"), uniqueName("state"), uniqueName("etc")];
  const workers: Worker[] = [];
  const network = await new Network().start();
  onTestFinished(async () => {
    for (const worker of workers) await worker.remove();
    await run("docker", ["rm", "-f", name]);
    await run("docker", ["volume", "rm", "-f", state, etc]);
    await network.stop();
  });
  await docker(["volume", "create", ...labelWords(), ...stateVolume, state]);
  await docker(["volume", "create", ...labelWords(), etc]);
  const volumes = ["-v", `${state}:/data`, "-v", `${etc}:/etc/afk`];
  const keeper = ["run", "-d", "--name", name, ...labelWords(), ...volumes, "--network", "none", "--init"];
  const [model] = await Promise.all([
    startModel(network),
    docker([...keeper, "--no-healthcheck", "--entrypoint", "sleep", image, "infinity"]),
  ]);
  // Registered later, so done earlier: the network goes last.
  onTestFinished(() => model.stop());

  const at = { network: network.getName(), state, etc };
  const sh: Deployment["sh"] = (line, options) =>
    docker(["exec", "-i", "-u", "0", name, "sh", "-eu", "-c", line], options);
  const afk: Deployment["afk"] = (words) => run("docker", ["exec", name, "afk", ...words]);
  return {
    network: at.network,
    state,
    model,
    sh,
    afk,
    configure: async (config) => {
      await sh("cat > /etc/afk/afk.yaml", { input: JSON.stringify(config, null, 2) });
    },
    fillInbox: async (count, from = 1) => {
      const script = `for n in $(seq ${from} ${from + count - 1}); do echo "Item $n says something." > item-$n.md; done`;
      await sh(`install -d -o 1000 -g 1000 /data/inbox; cd /data/inbox; ${script}`);
    },
    ask: async (words) => {
      const { code, stdout, stderr } = await afk([...words, "--json"]);
      if (code !== 0) throw new Error(`afk ${words.join(" ")} ended with ${code}: ${stderr || stdout}`);
      return JSON.parse(stdout);
    },
    nowMs: async () => Number(await sh("date +%s%3N")),
    start: async (words, options) => {
      const worker = await startWorker(at, words, options);
      workers.push(worker);
      return worker;
    },
    run: (words, options) => run("docker", ["run", "--rm", ...workerWords(at, words, options)]),
  };
}
