import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { COMPILE_CACHE } from "../../support/afk.ts";

/** One thing that a process did to a folder of its disk, in order. Paths are below that folder. */
export type DiskOperation =
  | { type: "create"; path: string; inode: number }
  | { type: "write"; inode: number; offset: number; bytes: Buffer }
  | { type: "truncate"; inode: number; size: number }
  | { type: "sync"; inode: number }
  | { type: "mkdir" | "syncFolder"; path: string }
  | { type: "rename"; from: string; to: string }
  | { type: "unlink"; path: string }
  /** A line on standard output. */
  | { type: "said"; line: string };

const CALLS =
  "openat,open,creat,close,write,pwrite64,writev,pwritev,ftruncate,truncate,fallocate,fsync,fdatasync,rename,renameat,renameat2,unlink,unlinkat,mkdir,mkdirat,rmdir,link,symlink,lseek";

/**
 * Runs a script of ours under strace and gives what its main thread did to `folder` (afk writes from no other), as the
 * system took it. A call that the model does not know is an error: a recording with holes would prove nothing.
 */
export function recordDisk(script: string, words: readonly string[], folder: string): DiskOperation[] {
  const trace = join(dirname(folder), "strace.txt");
  const limit = String(64 * 1024 * 1024);
  const options = ["-o", trace, "-xx", "-s", limit, "-e", `trace=${CALLS}`, "-e", "signal=none"];
  const { status, stderr } = spawnSync("strace", [...options, process.execPath, script, ...words], {
    encoding: "utf8",
    maxBuffer: 64 * 1024 * 1024,
    env: { PATH: process.env.PATH ?? "", TZ: "UTC", ...COMPILE_CACHE },
  });
  if (status !== 0) throw new Error(`the recorded process failed: ${stderr}`);
  return readTrace(readFileSync(trace, "latin1"), folder);
}

interface OpenFile {
  path: string;
  inode: number;
  isFolder: boolean;
  position: number;
}

function readTrace(text: string, folder: string): DiskOperation[] {
  const operations: DiskOperation[] = [];
  const files = new Map<number, OpenFile>();
  const inodes = new Map<string, number>();
  let inodeCount = 0;
  const below = (path: string) => (path.startsWith(`${folder}/`) ? path.slice(folder.length + 1) : null);

  const open = (words: string, path: string, fd: number) => {
    files.delete(fd);
    const name = path === folder ? "" : below(path);
    if (name === null) return;
    let inode = inodes.get(name);
    // Read-only opens of what has no inode of its own here: folders, which are opened to be synced or listed.
    const isFolder = inode === undefined && !words.includes("O_CREAT");
    if (inode === undefined && !isFolder) {
      inode = inodeCount++;
      inodes.set(name, inode);
      operations.push({ type: "create", path: name, inode });
    } else if (inode !== undefined && words.includes("O_TRUNC")) {
      operations.push({ type: "truncate", inode, size: 0 });
    }
    files.set(fd, { path: name, inode: inode ?? -1, isFolder, position: 0 });
  };

  const write = (fd: number, bytes: Buffer, offset: number | null) => {
    if (fd === 1) {
      for (const line of bytes.toString("utf8").trim().split("\n")) operations.push({ type: "said", line });
    }
    const file = files.get(fd);
    if (file === undefined) return;
    operations.push({ type: "write", inode: file.inode, offset: offset ?? file.position, bytes });
    if (offset === null) file.position += bytes.length;
  };

  for (const line of text.split("\n")) {
    const call = /^(\w+)\((.*)\)\s+= (-?\d+)/.exec(line);
    const [, name = "", words = "", result = "-1"] = call ?? [];
    const value = Number(result);
    if (call === null || value < 0) continue;
    const texts = [...words.matchAll(/"((?:\\x[0-9a-f]{2})*)"/g)].map((match) =>
      Buffer.from((match[1] ?? "").replaceAll("\\x", ""), "hex"),
    );
    const paths = texts.map((each) => each.toString("utf8"));
    const fd = Number.parseInt(words, 10);
    const file = files.get(fd);
    const last = Number(words.split(", ").at(-1));
    switch (name) {
      case "open":
      case "openat":
        open(words, paths[0] ?? "", value);
        break;
      case "close":
        files.delete(fd);
        break;
      case "write":
        write(fd, (texts[0] ?? Buffer.alloc(0)).subarray(0, value), null);
        break;
      case "pwrite64":
        write(fd, (texts[0] ?? Buffer.alloc(0)).subarray(0, value), last);
        break;
      case "lseek":
        if (file !== undefined) file.position = value;
        break;
      case "ftruncate":
        if (file !== undefined) operations.push({ type: "truncate", inode: file.inode, size: last });
        break;
      case "fsync":
      case "fdatasync":
        if (file?.isFolder) operations.push({ type: "syncFolder", path: file.path });
        else if (file !== undefined) operations.push({ type: "sync", inode: file.inode });
        break;
      case "mkdir": {
        const path = below(paths[0] ?? "");
        if (path !== null) operations.push({ type: "mkdir", path });
        break;
      }
      case "rename": {
        const [from, to] = [below(paths[0] ?? ""), below(paths[1] ?? "")];
        if (from === null || to === null) break;
        inodes.set(to, inodes.get(from) ?? -1);
        inodes.delete(from);
        operations.push({ type: "rename", from, to });
        break;
      }
      case "unlink": {
        const path = below(paths[0] ?? "");
        if (path === null) break;
        inodes.delete(path);
        operations.push({ type: "unlink", path });
        break;
      }
      default:
        if (file !== undefined || paths.some((path) => below(path) !== null))
          throw new Error(`the model of the disk does not know this call: ${line.slice(0, 200)}`);
    }
  }
  return operations;
}
