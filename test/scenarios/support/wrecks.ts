/**
 * Loaded into afk before afk itself (NODE_OPTIONS), so that the real image misbehaves when a test creates the file it waits
 * for. Threads and the programs of jobs load it too, and stay as they are.
 */
export interface Wreck {
  script: string;
  /** Creating it starts the misbehaviour, deleting it lets a new worker be. */
  trigger: string;
}

const PRELOADED = "/etc/afk/wreck.mjs";

/** The event loop stands still for good. It says so first. */
export const BLOCKED = wreck(
  "/data/block",
  `writeSync(1, "the event loop stands still\\n");
   Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);`,
);

/** Takes memory until the kernel ends it. */
export const EATING = wreck("/data/eat", eater());
/** A program that does the same, for a job of the kind exec. */
export const EATING_COMMAND = ["node", "-e", eater()];

function eater(): string {
  return "const held = []; for (;;) held.push(Buffer.alloc(1e6, 1));";
}

/** What a worker that is to be wrecked is started with. */
export const PRELOAD = { NODE_OPTIONS: `--import=${PRELOADED}` };

export function preload({ script }: Wreck): string {
  return `cat > ${PRELOADED} <<'END'\n${script}\nEND`;
}

function wreck(trigger: string, body: string): Wreck {
  const script = `import { existsSync, writeSync } from "node:fs";
import { isMainThread } from "node:worker_threads";
const look = () => {
  if (!existsSync("${trigger}")) return;
  ${body}
};
if (isMainThread && /(?:^|[/])main[.]js$/.test(process.argv[1] ?? "")) setInterval(look, 20).unref();`;
  return { script, trigger };
}

/**
 * A program that ignores every signal that can be ignored and calls the model ten times a second, and so does its child, in a
 * session of its own. For a job of the kind exec.
 */
export const STUBBORN_COMMAND = ["node", "-e", stubborn(), "parent"];

function stubborn(): string {
  return `
    for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"]) process.on(signal, () => {});
    if (process.argv[1] === "parent") {
      const { spawn } = require("node:child_process");
      spawn(process.execPath, [...process.execArgv, "child"], { detached: true, stdio: "ignore" });
    }
    setInterval(() => fetch("http://ollama:11434/from-the-" + process.argv[1]).then((r) => r.text()).catch(() => {}), 100);`;
}
