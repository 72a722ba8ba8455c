import { spawn } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { hasTool } from "../system-tools.ts";
import { canInstall, needTools } from "./apt.ts";
import { run, say } from "./command.ts";

/** The Docker engine of a run: the one that `docker` finds, or a private one where there is none. */
export interface Engine {
  host: string;
  /** Started for this run, so that names in it are nobody else's. */
  isPrivate: boolean;
  /** Ends a private engine with everything in it; leaves another as it is. */
  stop(): Promise<void>;
}

const DEFAULT_HOST = "unix:///var/run/docker.sock";
const KEEPER = fileURLToPath(new URL("engine-keeper.ts", import.meta.url));
const PACKAGES = { dockerd: "docker.io", docker: "docker.io", iptables: "iptables", ip: "iproute2" };

/**
 * Sets DOCKER_HOST for this process and those it starts. Throws with what to do when there is no engine.
 * @param folder is the run's own: a private engine is in it, and deletes it when it ends.
 */
export async function findEngine(folder: string): Promise<Engine> {
  const host = await hostThatAnswers();
  if (host !== undefined) {
    process.env.DOCKER_HOST = host;
    return { host, isPrivate: false, stop: async () => undefined };
  }
  if (!canInstall()) {
    throw new Error(
      "The scenarios need a Docker engine, and none answers. Install Docker and start it, or set DOCKER_HOST; " +
        "as root on Debian or Ubuntu the tests install it themselves. `npm run test:unit` runs everything else.",
    );
  }
  say("no Docker engine answers: a private one is started for this run");
  await needTools(PACKAGES);
  // Debian 13 has the client in a package of its own.
  await needTools({ docker: "docker-cli" });
  return startPrivateEngine(folder);
}

async function hostThatAnswers(): Promise<string | undefined> {
  if (!hasTool("docker")) return undefined;
  const given = process.env.DOCKER_HOST;
  const { code } = await run("docker", ["version"], { timeoutMs: 20_000 });
  if (code !== 0) return undefined;
  if (given !== undefined) return given;
  const context = await run("docker", ["context", "inspect", "--format", "{{.Endpoints.docker.Host}}"]);
  return context.stdout.trim() || DEFAULT_HOST;
}

async function startPrivateEngine(folder: string): Promise<Engine> {
  const keeper = spawn(process.execPath, [KEEPER, folder], {
    stdio: ["pipe", "pipe", "inherit"],
    // A Ctrl-C at the terminal reaches the tests only; the keeper then ends the engine in order.
    detached: true,
  });
  const ended = new Promise<void>((resolve) => keeper.once("close", () => resolve()));
  const isReady = await new Promise<boolean>((resolve) => {
    keeper.stdout.once("data", () => resolve(true));
    keeper.once("close", () => resolve(false));
  });
  if (!isReady) throw new Error("The private Docker engine did not start; the end of its log is above.");
  const host = `unix://${join(folder, "docker.sock")}`;
  process.env.DOCKER_HOST = host;
  return {
    host,
    isPrivate: true,
    stop: async () => {
      keeper.stdin.end();
      await ended;
    },
  };
}
