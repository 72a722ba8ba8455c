import { lstatSync, readdirSync, realpathSync, statSync } from "node:fs";
import { join, relative } from "node:path";

/** What of the machine's files a program does not see as they are. All paths are absolute; what is not there is passed over. */
export interface View {
  /** Folders and files that are empty for it, and cannot be written. */
  hidden: readonly string[];
  /** What lies in hidden folders and stays, as it is outside. */
  kept: readonly string[];
  /** Files and folders that it sees, and can neither write nor move nor replace. */
  locked: readonly Locked[];
  /** Folders that can be neither moved nor replaced, since what is hidden or locked lies somewhere in them; it writes there as outside. */
  pinned: readonly string[];
}

/** A file or folder that is locked, but not for a program that starts in it, or in the folder `unlessIn`, where that is stated. */
export interface Locked {
  path: string;
  unlessIn: string | null;
}

/** What is seen as it is outside. */
export const NOTHING_HIDDEN: View = { hidden: [], kept: [], locked: [], pinned: [] };

/** What a program is enclosed in, besides a PID namespace. */
export interface Enclosure {
  /** It has a network of its own, in which there is a loopback interface and nothing else. */
  hasOwnNetwork: boolean;
  /** Null where it sees what afk sees. */
  view: View | null;
}

/** Mounts of its own: what is mounted outside comes in, and nothing that is mounted here goes out. */
const MOUNTS = ["--mount", "--propagation", "slave"];
const NETWORK = ["--net"];

/** Options of `unshare` for it. */
export function enclosureOptions({ hasOwnNetwork }: Enclosure): string[] {
  return [...MOUNTS, ...(hasOwnNetwork ? NETWORK : [])];
}

/*
 * What the first process of the namespace does before the program: it reads words until `drop`, and becomes what follows.
 * It leaves the folder that afk was in first, which would else be a way behind what is hidden (/proc/1/cwd). /sys is there
 * on every Linux, and is covered as long as a folder with what is kept is put together.
 */
const SCRIPT = `PATH="$PATH:/usr/sbin:/sbin"
cd /
loopback() {
  ip link set lo up || busybox ip link set lo up || ifconfig lo up ||
  perl -e 'socket(my $s, 2, 2, 0) && ioctl($s, 0x8914, pack("a16sx22", "lo", 0x41)) or exit 1' ||
  { mount -t sysfs afk /sys && echo 0x49 >/sys/class/net/lo/flags && umount /sys; }
} 2>/dev/null
lock() {
  for more in "" ,nosuid,nodev ,nosuid,nodev,noexec ,nosuid ,nodev; do
    for time in "" ,noatime; do mount -o "bind,ro$more$time" "$1" "$1" 2>/dev/null && return; done
  done
  return 1
}
fail() { echo "afk: $*" >&2; exit 125; }
while :; do
  case $1 in
    loopback) loopback || fail "the loopback interface could not be brought up: install iproute2"; shift ;;
    blank) mount --bind /dev/null "$2" || fail "$2 could not be hidden"; shift 2 ;;
    empty) mount -t tmpfs -o ro,size=4k,mode=755 afk "$2" || fail "$2 could not be hidden"; shift 2 ;;
    pin) mount --rbind "$2" "$2" || fail "$2 could not be kept in its place"; shift 2 ;;
    lock) lock "$2" || fail "$2 could not be made read-only"; shift 2 ;;
    begin) mount -t tmpfs -o size=1m,mode=755 afk /sys || fail "no file system could be mounted"; shift ;;
    keep)
      if [ -d "$2" ]; then mkdir -p "/sys/$3"; else mkdir -p "/sys/$(dirname "$3")" && : >"/sys/$3"; fi &&
      mount --rbind "$2" "/sys/$3" || fail "$2 could not be kept"; shift 3 ;;
    end)
      mount -o remount,ro /sys && mount --rbind /sys "$2" && umount -R /sys || fail "$2 could not be hidden"; shift 2 ;;
    drop) kept=$2; shift 2; exec setpriv --no-new-privs --inh-caps=-all --ambient-caps=-all --bounding-set="$kept" -- "$@" ;;
    *) fail "what is $1?" ;;
  esac
done`;

/** Goes before the command line of the first process: makes the enclosure, and gives up the rights to undo it. */
export function enclosureCommand(enclosure: Enclosure, { isRoot }: { isRoot: boolean }): string[] {
  const { hasOwnNetwork, view } = enclosure;
  const words = [
    ...(hasOwnNetwork ? ["loopback"] : []),
    ...(isRoot ? rootWords() : []),
    ...viewWords(view ?? NOTHING_HIDDEN),
  ];
  const kept = isRoot ? (hasOwnNetwork ? OWN_NETWORK : OPEN) : [];
  const capabilities = ["-all", ...kept.map((name) => `+${name}`)].join(",");
  return ["/bin/sh", "-c", SCRIPT, "afk", ...words, "drop", capabilities];
}

/** What root keeps in a network of its own: other users' files and processes, which is what programs count on. */
const OWN_NETWORK = [
  ...["chown", "dac_override", "fowner", "fsetid", "kill", "setgid", "setuid", "setpcap"],
  ...["net_bind_service", "sys_chroot"],
];
/**
 * What it keeps besides in the machine's network. Missing are those by which it could undo the enclosure: sys_admin (mounts),
 * sys_ptrace, dac_read_search (files by their number), mknod and sys_rawio (disks), sys_module, sys_boot, bpf, perfmon.
 */
const OPEN = [
  ...OWN_NETWORK,
  ...[
    "net_admin",
    "net_raw",
    "net_broadcast",
    "ipc_lock",
    "ipc_owner",
    "sys_nice",
    "sys_resource",
    "sys_time",
  ],
  ...["sys_tty_config", "lease", "audit_write", "audit_control", "linux_immutable"],
];

/** Root may write where the kernel takes the name of a program from, to start it outside, and read disks as they are. */
function rootWords(): string[] {
  const locked = ["/proc/sys", "/sys"].filter(isThere).flatMap((path) => ["lock", path]);
  const disks = readdirSync("/dev")
    .map((name) => join("/dev", name))
    .filter((path) => isDisk(path));
  return [...locked, ...["/proc/sysrq-trigger", ...disks].filter(isThere).flatMap((path) => ["blank", path])];
}

/** Block devices, and the raw SCSI devices beside them. */
function isDisk(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isBlockDevice() === true || /^\/dev\/sg\d+$/.test(path);
}

function viewWords({ hidden, kept, locked, pinned }: View): string[] {
  const found = realPaths(hidden);
  const folders = outermost(found.filter(isFolder));
  const files = found.filter((path) => !isFolder(path));
  const stays = realPaths(kept);
  // From the outside to the inside, so that nothing is covered by what comes later. Files before folders: one may lie in what is
  // kept, and its cover comes along.
  return [
    ...realPaths(pinned)
      .toSorted((a, b) => a.length - b.length)
      .flatMap((path) => ["pin", path]),
    ...outermost(realPaths(locked.map(({ path }) => path))).flatMap((path) => ["lock", path]),
    ...files.flatMap((path) => ["blank", path]),
    ...folders.flatMap((folder) => {
      const within = outermost(stays.filter((path) => isWithin(path, folder) && path !== folder));
      if (within.length === 0) return ["empty", folder];
      return [
        "begin",
        ...within.flatMap((path) => ["keep", path, relative(folder, path)]),
        ...["end", folder],
      ];
    }),
  ];
}

/** The files that are covered where they are: one that is put in the place of such a file is not. */
export function coveredFiles({ hidden, locked }: View): string[] {
  return realPaths([...hidden, ...locked.map(({ path }) => path)]).filter((path) => !isFolder(path));
}

/** Of those that are there, each once. */
function realPaths(paths: readonly string[]): string[] {
  return [...new Set(paths.filter(isThere).map((path) => realpathSync(path)))];
}

/** Whether a path is a folder or lies in it. */
export function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder === "/" ? "/" : `${folder}/`);
}

/** Without those that lie in others. */
function outermost(paths: readonly string[]): string[] {
  const each = [...new Set(paths)];
  return each.filter((path) => !each.some((other) => other !== path && isWithin(path, other)));
}

/** What this user may not look at, the program may not either. */
function isThere(path: string): boolean {
  try {
    statSync(path);
    return true;
  } catch {
    return false;
  }
}

function isFolder(path: string): boolean {
  return statSync(path).isDirectory();
}
