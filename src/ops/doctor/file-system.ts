import { readFileSync } from "node:fs";
import { mountOf } from "../../store/sqlite/mount.ts";
import { bad, type Examination, ok, skipped, type WithConfig } from "./check.ts";

/** SQLite's write-ahead log needs memory that all processes share, and locks that hold; over a network neither is sure. */
const REMOTE =
  /^(?:nfs\d*|cifs|smb\d*|smbfs|afs|ceph|9p|glusterfs|lustre|davfs|ncpfs|beegfs|fuse\.(?:sshfs|rclone|s3fs|gcsfuse|glusterfs|ceph|davfs2?|smbnetfs|nfs))$/;

export const fileSystem: Examination<WithConfig> = {
  group: "state",
  name: "file system",
  look: ({ config: { paths }, host }) => {
    if (host.platform !== "linux") return [skipped("file system", `cannot be told on ${host.platform}`)];
    const { type } = mountOf(paths.state, readFileSync(host.mountInfo, "utf8"));
    if (!REMOTE.test(type)) return [ok("file system", `${type}, on this machine`)];
    const found = `${paths.state} is on ${type}, a network file system: locks and the database are not safe on it`;
    return [bad("file system", found, "put the state on a local disk (--state, AFK_STATE)")];
  },
};
