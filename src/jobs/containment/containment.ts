import { execFile } from "node:child_process";
import { readFileSync, readlinkSync } from "node:fs";
import { promisify } from "node:util";
import { type Enclosure, enclosureCommand, enclosureOptions, NOTHING_HIDDEN } from "./enclosure.ts";
import { type ProcessTags, taggedCommand } from "./process-tags.ts";

/**
 * What makes sure that nothing of a program outlives it, best first:
 * - `namespace`: a PID namespace whose first process dies with afk; the kernel ends all that is in it.
 * - `container`: afk is the only tenant of a container, which ends with it; meanwhile whatever has lost its parent is ours.
 * - `marks`: what descends from the program, or carries its tags, is searched for and killed. A program that tries to can
 *   get away from that.
 */
export type ContainmentKind = "namespace" | "container" | "marks";

/** How programs are contained here. */
export interface Containment {
  kind: ContainmentKind;
  /** Goes before a command line, so that the command and all that it starts are contained. */
  prefix(tags: ProcessTags, enclosure: Enclosure): readonly string[];
  /** Why there is no namespace, where there is none. */
  refusal: string | null;
  /** Why a program can have no network of its own here; null where it can. */
  networkRefusal: string | null;
  /** Why nothing can be hidden from a program here; null where it can. */
  viewRefusal: string | null;
}

const chosen = new Map<string | undefined, Promise<Containment>>();

/** The best that this machine has, found out by trying, once for the process. `path` is PATH of afk itself. */
export function chooseContainment(path: string | undefined): Promise<Containment> {
  const choice = chosen.get(path) ?? choose(path);
  chosen.set(path, choice);
  return choice;
}

async function choose(path: string | undefined): Promise<Containment> {
  const found = await findNamespace(path);
  if ("user" in found) {
    const { user, ...refusals } = found;
    return {
      kind: "namespace",
      prefix: (_tags, enclosure) => [...prefixOf(user, enclosure), ...FIRST],
      refusal: null,
      ...refusals,
    };
  }
  const { refusal } = found;
  const all = { refusal, networkRefusal: refusal, viewRefusal: refusal };
  if (isOnlyTenant()) return { kind: "container", prefix: () => [], ...all };
  return { kind: "marks", prefix: taggedCommand, ...all };
}

/**
 * `setpriv` and `unshare` are in util-linux. The kernel kills the first process of the namespace, and with it everything inside,
 * when the process that starts this is gone (--pdeathsig) or `unshare` is (--kill-child). Without an enclosure mounts stay
 * shared, but for /proc.
 */
const OUTSIDE = ["setpriv", "--pdeathsig", "KILL", "--", "unshare"];
const INSIDE = ["--pid", "--fork", "--kill-child", "--mount-proc"];
const SHARED_MOUNTS = ["--propagation", "unchanged"];
/** A user who is not root needs a user namespace for it, in which there are no other users. */
const AS_USER = ["--user", "--map-current-user"];
/** Until the enclosure is made; what is started then has none of its rights. */
const KEEP_RIGHTS = "--keep-caps";
/** It must wait for orphans, and gets no signal that it does not listen to: a shell does that in place of the program. */
const FIRST = ["/bin/sh", "-c", '"$@"; exit $?', "afk"];
/** Succeeds only as the first process of a namespace, with its own /proc. */
const TRIAL = ["/bin/sh", "-c", '[ "$$" = 1 ] && read -r name </proc/1/comm && [ "$name" = sh ]'];
/** It takes some milliseconds; a machine that is busy must not be taken for one that refuses. */
const TRIAL_MS_MAX = 20_000;

const NO_ENCLOSURE: Enclosure = { hasOwnNetwork: false, view: null };
const HIDING: Enclosure = { hasOwnNetwork: false, view: { ...NOTHING_HIDDEN, hidden: ["/sys"] } };
const ENCLOSED: Enclosure = { ...HIDING, hasOwnNetwork: true };

function prefixOf(user: readonly string[], enclosure: Enclosure): string[] {
  const outer = [...OUTSIDE, ...user, ...INSIDE];
  if (!enclosure.hasOwnNetwork && enclosure.view === null) return [...outer, ...SHARED_MOUNTS, "--"];
  const rights = user.length > 0 ? [KEEP_RIGHTS] : [];
  const made = enclosureCommand(enclosure, { isRoot: user.length === 0 });
  return [...outer, ...rights, ...enclosureOptions(enclosure), "--", ...made];
}

type Found = { user: readonly string[]; networkRefusal: string | null; viewRefusal: string | null };

/** What puts a command into a PID namespace of its own, and what it can be enclosed in there; or why there can be none. */
async function findNamespace(path: string | undefined): Promise<Found | { refusal: string }> {
  if (process.platform !== "linux") return { refusal: `${process.platform} has no PID namespaces` };
  let refusal = "";
  for (const user of process.getuid?.() === 0 ? [[], AS_USER] : [AS_USER]) {
    const fails = (enclosure: Enclosure) => tryOut([...prefixOf(user, enclosure), ...TRIAL], path);
    const networkRefusal = await fails(ENCLOSED);
    if (networkRefusal === null) return { user, networkRefusal, viewRefusal: null };
    const viewRefusal = await fails(HIDING);
    if (viewRefusal === null) return { user, networkRefusal, viewRefusal };
    const failed = await fails(NO_ENCLOSURE);
    if (failed === null) return { user, networkRefusal, viewRefusal };
    refusal = failed;
  }
  return { refusal };
}

/** Why a command could not be run; null where it could. */
async function tryOut(command: readonly string[], path: string | undefined): Promise<string | null> {
  const [file = "", ...rest] = command;
  const options = { env: path === undefined ? {} : { PATH: path }, timeout: TRIAL_MS_MAX };
  try {
    await promisify(execFile)(file, rest, { ...options, killSignal: "SIGKILL" });
    return null;
  } catch (error) {
    return reasonOf(error);
  }
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

/** Names the PID namespace of this process. Throws where there is no /proc. */
export function ownNamespace(): string {
  return readlinkSync("/proc/self/ns/pid");
}

/** The PID namespace of the machine itself; the kernel gives it the same number everywhere (PROC_PID_INIT_INO). */
const MACHINE = "pid:[4026531836]";
/** First processes of containers that do nothing but start one program and end with it. */
const INITS = ["docker-init", "tini", "tini-static", "catatonit", "dumb-init"];

/**
 * Whether the container was started for this process: as its first, or by the minimal init that is. Then the container ends
 * with it, and every orphan in there is ours. What `docker exec` starts has no parent in the container.
 */
function isOnlyTenant(): boolean {
  try {
    if (ownNamespace() === MACHINE) return false;
    return (
      process.pid === 1 || (process.ppid === 1 && INITS.includes(readFileSync("/proc/1/comm", "utf8").trim()))
    );
  } catch {
    // Without /proc there is no container that we know of.
    return false;
  }
}
