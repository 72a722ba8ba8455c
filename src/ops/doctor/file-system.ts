import { readFileSync } from "node:fs";
import { bad, type Examination, ok, skipped, type WithConfig } from "./check.ts";

/** SQLite's write-ahead log needs memory that all processes share, and locks that hold; over a network neither is sure. */
const REMOTE =
  /^(?:nfs\d*|cifs|smb\d*|smbfs|afs|ceph|9p|glusterfs|lustre|davfs|ncpfs|beegfs|fuse\.(?:sshfs|rclone|s3fs|gcsfuse|glusterfs|ceph|davfs2?|smbnetfs|nfs))$/;

export const fileSystem: Examination<WithConfig> = {
  group: "state",
  name: "file system",
  look: ({ config: { paths }, host }) => {
    if (host.platform !== "linux") return [skipped("file system", `cannot be told on ${host.platform}`)];
    const type = typeOf(paths.state, readFileSync(host.mountInfo, "utf8"));
    if (!REMOTE.test(type)) return [ok("file system", `${type}, on this machine`)];
    const found = `${paths.state} is on ${type}, a network file system: locks and the database are not safe on it`;
    return [bad("file system", found, "put the state on a local disk (--state, AFK_STATE)")];
  },
};

export function typeOf(dir: string, mountInfo: string): string {
  return mountOf(dir, mountInfo).type;
}

/**
 * Where the file system that holds `dir` is mounted and what type it is of, from proc(5)'s mountinfo: the longest mount point that leads to it, and of
 * those the last, which covers the ones before.
 */
export function mountOf(dir: string, mountInfo: string): { point: string; type: string } {
  let best = { point: "", type: "unknown" };
  for (const line of mountInfo.split("\n")) {
    const fields = line.split(" ");
    const mark = fields.indexOf("-");
    const [point, type] = [fields[4], mark === -1 ? undefined : fields[mark + 1]];
    if (point === undefined || type === undefined) continue;
    // Spaces and the like are written in octal.
    const path = point.replace(/\\(\d{3})/g, (_all, code: string) =>
      String.fromCharCode(Number.parseInt(code, 8)),
    );
    const leadsTo = path === "/" || dir === path || dir.startsWith(`${path}/`);
    if (leadsTo && path.length >= best.point.length) best = { point: path, type };
  }
  return best;
}
