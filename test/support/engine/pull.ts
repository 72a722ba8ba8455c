import { spawn } from "node:child_process";
import { run } from "./command.ts";

/** An engine that has not reached its registry after this time is treated as one that cannot. */
const REACH_MS_MAX = 20_000;
const PULL_MS_MAX = 300_000;

/** Whether the engine has this image, pulled now if need be. */
export async function havePulled(image: string): Promise<boolean> {
  return (await isThere(image)) || (await pull(image));
}

export async function isThere(image: string): Promise<boolean> {
  const { code } = await run("docker", ["image", "inspect", image]);
  return code === 0;
}

function pull(image: string): Promise<boolean> {
  return new Promise((resolve) => {
    const child = spawn("docker", ["pull", image], { stdio: ["ignore", "pipe", "ignore"] });
    const stop = () => child.kill("SIGKILL");
    let timer = setTimeout(stop, REACH_MS_MAX);
    // Its first line comes after the registry's first answer.
    child.stdout.once("data", () => {
      clearTimeout(timer);
      timer = setTimeout(stop, PULL_MS_MAX);
    });
    child.stdout.resume();
    child.once("error", () => resolve(false));
    child.once("close", (code) => {
      clearTimeout(timer);
      resolve(code === 0);
    });
  });
}
