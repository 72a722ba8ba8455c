import { execFile } from "node:child_process";
import { promisify } from "node:util";

/** It takes some milliseconds; a machine that is busy must not be taken for one that refuses. */
const TRIAL_MS_MAX = 20_000;

/**
 * `setpriv` and `unshare` are in util-linux, which every Debian and Ubuntu has. Three ends are tied together, by the kernel: when
 * the process that starts this is gone (--pdeathsig), or `unshare` is (--kill-child), the first process of the namespace is
 * killed, and with that everything in it. Mounts are shared with the machine as before, but for /proc.
 */
const OUTSIDE = ["setpriv", "--pdeathsig", "KILL", "--", "unshare"];
const INSIDE = ["--pid", "--fork", "--kill-child", "--mount-proc", "--propagation", "unchanged", "--"];
/** Who is not root needs a user namespace for it. The user stays the same in it; there is no other user in it, though. */
const AS_USER = ["--user", "--map-current-user"];

/**
 * The first process of a namespace has to wait for those that lost their parent, and is sent no signal that it does not
 * listen to: a shell does the one and spares the program the other.
 */
const FIRST = ["/bin/sh", "-c", '"$@"; exit $?', "afk"];

/** Succeeds only as the first process of a namespace, with its own /proc. */
const TRIAL = ["/bin/sh", "-c", '[ "$$" = 1 ] && read -r name </proc/1/comm && [ "$name" = sh ]'];

const run = promisify(execFile);

/** The words that put a program into a PID namespace of its own; or why there can be none. */
export async function findNamespace(
  path: string | undefined,
): Promise<{ words: readonly string[] } | { refusal: string }> {
  if (process.platform !== "linux") return { refusal: `${process.platform} has no PID namespaces` };
  const ways = process.getuid?.() === 0 ? [[], AS_USER] : [AS_USER];
  let refusal = "";
  for (const way of ways) {
    const words = [...OUTSIDE, ...way, ...INSIDE];
    try {
      await tryOut([...words, ...TRIAL], path);
      return { words: [...words, ...FIRST] };
    } catch (error) {
      refusal = reasonOf(error);
    }
  }
  return { refusal };
}

async function tryOut([file = "", ...rest]: readonly string[], path: string | undefined): Promise<void> {
  await run(file, rest, {
    env: path === undefined ? {} : { PATH: path },
    timeout: TRIAL_MS_MAX,
    killSignal: "SIGKILL",
  });
}

/** What the tools said, on one line; or the system, when they could not be started. */
function reasonOf(error: unknown): string {
  const { stderr, code } = error as { stderr?: unknown; code?: unknown };
  const said = typeof stderr === "string" ? stderr.trim().split("\n").at(-1) : "";
  if (said) return said.slice(0, 200);
  return code === "ENOENT"
    ? "setpriv is not installed (it comes with util-linux)"
    : `the trial ended with ${code}`;
}
