import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const HERE = fileURLToPath(new URL("..", import.meta.url));
/** Nothing but the loopback is asked, whatever a client would like to. */
const NO_NETWORK = {
  HTTP_PROXY: "http://127.0.0.1:9",
  HTTPS_PROXY: "http://127.0.0.1:9",
  NO_PROXY: "127.0.0.1",
};

/** What a client is asked for: one turn of a conversation, whole, streamed, or streamed with a tool that it runs. */
export interface Turn {
  base: string;
  key: string;
  model: string;
  turn: "plain" | "stream" | "tools";
}

/** What its user gets. */
export interface Outcome {
  text?: string;
  /** The message of what the client throws. */
  error?: string;
  seconds: number;
}

/** A client's program while it runs; it does one turn at a time. */
export interface Program {
  /** `onPiece` is called once, when a stream shows its first text. A turn that takes longer than `patienceMs` ends the program. */
  turn(turn: Turn, options?: { onPiece?: () => void; patienceMs?: number }): Promise<Outcome>;
  end(): Promise<void>;
}

/** Starts the program of one client of npm, out of the folder in which they are installed. */
export function npmProgram(folder: string, name: string): Program {
  // The modules are found beside the program.
  const place = mkdtempSync(join(tmpdir(), "afk-client-"));
  cpSync(join(HERE, "npm/client.mjs"), join(place, "client.mjs"));
  symlinkSync(join(folder, "node_modules"), join(place, "node_modules"));
  const start = () => child(process.execPath, [join(place, "client.mjs"), name]);
  return program(start, () => rmSync(place, { recursive: true, force: true }));
}

/** Starts the program of one client of PyPI, out of its virtual environment. */
export function pythonProgram(folder: string, name: string): Program {
  const args = [join(HERE, "python/client.py"), name];
  return program(
    () => child(join(folder, "bin/python"), args),
    () => undefined,
  );
}

function child(command: string, args: string[]): ChildProcess {
  const { PATH = "", HOME = tmpdir() } = process.env;
  const env = { PATH, HOME, PYTHONDONTWRITEBYTECODE: "1", ...NO_NETWORK };
  return spawn(command, args, { env, stdio: ["pipe", "pipe", "inherit"] });
}

function program(start: () => ChildProcess, clean: () => void): Program {
  let running = start();
  let lines = linesOf(running);
  return {
    async turn(turn, { onPiece, patienceMs = 60_000 } = {}) {
      const startedAt = performance.now();
      const seconds = () => (performance.now() - startedAt) / 1_000;
      const late = setTimeout(() => running.kill("SIGKILL"), patienceMs);
      running.stdin?.write(`${JSON.stringify(turn)}\n`);
      try {
        for (;;) {
          const { value, done } = await lines.next();
          if (done) {
            running = start();
            lines = linesOf(running);
            return {
              error: `still at it after ${Math.round(seconds())} s, or ended by itself`,
              seconds: seconds(),
            };
          }
          // Some print lines of their own.
          if (!value.startsWith("{")) continue;
          const said = JSON.parse(value);
          if (said.piece !== true) return { ...said, seconds: seconds() };
          onPiece?.();
        }
      } finally {
        clearTimeout(late);
      }
    },
    async end() {
      if (running.exitCode === null && running.signalCode === null) {
        const ended = once(running, "exit");
        running.kill("SIGKILL");
        await ended;
      }
      clean();
    },
  };
}

function linesOf({ stdout }: ChildProcess): AsyncIterator<string> {
  if (stdout === null) throw new Error("the program has no output");
  return createInterface(stdout)[Symbol.asyncIterator]();
}
