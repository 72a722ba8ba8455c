import { accessSync, constants, readFileSync, statSync } from "node:fs";
import { dirname, join, sep } from "node:path";
import { formatDuration } from "../../lib/duration-text.ts";
import { messageOf } from "../../lib/errors.ts";
import { fileObstacle, folderObstacle, pendingNames, readOutput } from "../../queue/publish.ts";
import { isReachable, mountOf } from "../../store/reachable.ts";
import { freeBytes } from "../../store/sqlite/ballast.ts";
import { FREE_MIN_BYTES } from "../condition/assess.ts";
import { WORKER_CODES } from "../condition/finding.ts";
import { nearestFolder } from "../unreadable.ts";
import {
  bad,
  type Finding,
  type Found,
  ok,
  skipped,
  type WithConfig,
  type WithStore,
  warn,
} from "./check.ts";
import { conditionOf } from "./condition.ts";

const OTHERS_WRITE = 0o002;
const OTHERS = 0o077;

/** The folders of the state: writable by this user, and by nobody who does not own them. What is missing a tick makes. */
export async function stateFolder({ config: { paths }, host }: WithConfig): Promise<Found> {
  if (!(await isReachable(paths.out)))
    return bad(`${paths.out} does not answer`, "mend or unmount the disk that it is on");
  try {
    for (const dir of [paths.state, paths.out, paths.logs]) {
      if (statSync(nearestFolder(dir)).isDirectory()) accessSync(nearestFolder(dir), constants.W_OK);
      else throw new Error(`${nearestFolder(dir)} is no folder`);
    }
  } catch (error) {
    return bad(messageOf(error), `make ${paths.state} writable for this user`);
  }
  if (nearestFolder(paths.state) !== paths.state)
    return ok(`${paths.state} is not there yet; the first tick makes it`);
  return checkOwner(paths.state, host.userId);
}

function checkOwner(dir: string, userId: number | null): Finding {
  const { uid, mode } = statSync(dir);
  if ((mode & OTHERS_WRITE) !== 0)
    return bad(`anybody on this machine can write to ${dir}`, `chmod go= ${dir}`);
  // root may write anywhere, and an administrator looks at what belongs to the worker.
  if (userId !== null && userId !== 0 && uid !== userId)
    return bad(`${dir} belongs to user ${uid}, and this is user ${userId}`, `sudo chown -R ${userId} ${dir}`);
  // What is this user's own is closed when the state is opened.
  if ((mode & OTHERS) !== 0) return warn(`others on this machine can look into ${dir}`, `chmod go= ${dir}`);
  return ok(`${dir} can be written`);
}

/** Whether there is room on the disk of the state. */
export function disk({ config: { paths } }: WithConfig): Found {
  return checkFree(freeBytes(nearestFolder(paths.state)), paths.state);
}

/** Whether so many bytes are enough. */
export function checkFree(bytes: number, dir: string): Finding {
  const mib = Math.floor(bytes / 1024 / 1024);
  const free = mib >= 10_240 ? `${Math.floor(mib / 1024)} GiB free` : `${mib} MiB free`;
  if (bytes >= FREE_MIN_BYTES) return ok(free);
  return { ...bad(`${free} for ${dir}`, "make room: a full disk halts the agent"), code: "disk_low" };
}

/** SQLite's write-ahead log needs memory that all processes share, and locks that hold; over a network neither is sure. */
const REMOTE =
  /^(?:nfs\d*|cifs|smb\d*|smbfs|afs|ceph|9p|glusterfs|lustre|davfs|ncpfs|beegfs|fuse\.(?:sshfs|rclone|s3fs|gcsfuse|glusterfs|ceph|davfs2?|smbnetfs|nfs))$/;

/** Whether the state is on a file system that keeps locks. */
export function fileSystem({ config: { paths }, host }: WithConfig): Found {
  if (host.platform !== "linux") return skipped(`cannot be told on ${host.platform}`);
  const { type } = mountOf(paths.state, readFileSync(host.mountInfo, "utf8"));
  if (!REMOTE.test(type)) return ok(`${type}, on this machine`);
  const found = `${paths.state} is on ${type}, a network file system: locks and the database are not safe on it`;
  return bad(found, "put the state on a local disk (--state, AFK_STATE)");
}

/**
 * A lock is never stale, since the system drops it with its process; but a process can hold it and do nothing, and none can
 * hold it where one should. Looks without taking the lock.
 */
export async function lock(subject: WithStore): Promise<Found> {
  const { observed, late, findings } = await conditionOf(subject);
  const { worker } = observed;
  const found = findings.find(({ code }) => WORKER_CODES.includes(code));
  const finding = (text: string, mend: string): Finding =>
    found === undefined ? bad(text, mend) : { result: found.severity, found: text, mend, code: found.code };
  const problem = late?.problem;
  if (worker.state === "none")
    return problem === undefined ? ok("nobody is at work") : finding(`nobody is at work: ${problem}`, START);
  const who = worker.pid === null ? "an afk process" : `process ${worker.pid}`;
  if (worker.state === "suspended")
    return finding(
      problem ?? `${who} holds the lock and is suspended`,
      `kill -CONT ${worker.pid}, or end it: ${end(worker.pid)}`,
    );
  if (problem === undefined) return ok(`${who} is at work now`);
  const grace = `longer than ${formatDuration(subject.config.heartbeat.graceMs)} late`;
  return finding(`${who} holds the lock and does not move (${grace}): ${problem}`, end(worker.pid));
}

const START = "afk run, or start the unit or timer that runs it";

function end(pid: number | null): string {
  return pid === null
    ? "end it: docker rm -f afk, or systemctl restart afk"
    : `kill ${pid}; if that does not help: kill -KILL ${pid}`;
}

/** Whether the kill switch is set. */
export async function killSwitch(subject: WithStore): Promise<Found> {
  const { kill } = await conditionOf(subject);
  if (kill === null) return ok("off");
  return { ...bad(`set by ${kill.by}: ${kill.reason}`, kill.remedy ?? "afk resume"), code: "killed" };
}

/** File systems that a container has for itself. */
const OWN = /^(?:tmpfs|devtmpfs|devpts|proc|sysfs|mqueue|cgroup2?)$/;

/** Whether somebody outside of the container can make the file that KILL_FLAG names; else that switch can never be set. */
export function killFlag({ config: { paths }, host }: WithConfig): Found {
  const { stopFile, state } = paths;
  if (!host.isContainer || !host.environment.KILL_FLAG || stopFile.startsWith(state + sep)) return [];
  const { point, type } = mountOf(dirname(stopFile), readFileSync(host.mountInfo, "utf8"));
  if (point !== "/" && !OWN.test(type)) return ok(`${stopFile} is on a mount of its own`);
  const found = `KILL_FLAG is ${stopFile}, which is inside of this container: nobody outside can set it`;
  return bad(found, `name a file in ${state}, or unset KILL_FLAG and use ${join(state, "STOP")}`);
}

/** What was set aside since it cannot be written into `out/`, and what is in its way. */
export async function outputs({ config: { paths }, store }: WithStore): Promise<Found> {
  const folder = await folderObstacle(paths.out);
  if (folder !== null) return bad(`nothing can be written into ${paths.out}: ${folder}`, MEND);
  const findings: Finding[] = [];
  for (const name of (await pendingNames(store.db)).slice(0, SHOWN_MAX)) {
    const obstacle = fileObstacle(paths.out, await readOutput(store.db, name));
    const shown = JSON.stringify(name.slice(0, 160));
    if (obstacle !== null) findings.push(bad(`${shown} is not in ${paths.out}: ${obstacle}`, MEND));
  }
  return findings.length > 0 ? findings : ok("everything that was made is in out/");
}

const SHOWN_MAX = 20;

const MEND = "move away what is in the way; the next tick writes what was set aside";
