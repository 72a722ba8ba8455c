import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { fakeDocker, staged } from "./staged.ts";

/** A staged host with a systemctl and a docker that play systemd and an engine. What they start are real processes. */
export interface FakeHost {
  root: string;
  environment: NodeJS.ProcessEnv;
  /** What goes wrong, by the name of a file that the two look for: see FAKE. */
  let(name: string, content?: string): void;
  /** Units that run. */
  active(): string[];
  setActive(...units: string[]): void;
  /** The words of each `docker run`, after the image's name. */
  runs(): string[][];
  /** What systemctl was told to start and stop, in order. */
  told(): string[];
  isAtWork(): boolean;
}

/**
 * `active/UNIT` is there while a unit runs. The worker is a process that writes signs of life, counted four times as a
 * container's would be. `survives`: stop reaches nothing. `revives`: it comes back after the stop. `stillborn`: a start
 * starts nothing. `stuck`: the timer cannot be started. `no-engine`, `status`, `state-UNIT`, `load-UNIT` say what they say.
 */
const FAKE = `#!/bin/sh
set -u
fake=$FAKE_HOST root=$FAKE_ROOT
lib=$root/usr/local/lib/afk
signs=$root/run/afk-drill/worker/state/signs

work() {
  [ ! -e "$fake/stillborn" ] || return 0
  touch "$fake/active/$1" "$fake/container"
  setsid sh -c 'trap "" TERM; while :; do printf . >>"$0"; sleep 0.05; done' "$signs" </dev/null >/dev/null 2>&1 &
  echo $! >"$fake/worker"
  mkdir -p "$fake/slice"
  printf '%s\\n' $! 1 2 3 >"$fake/slice/cgroup.procs"
}

end() {
  [ ! -e "$fake/survives" ] || return 0
  [ ! -e "$fake/worker" ] || kill -KILL "$(cat "$fake/worker")" 2>/dev/null
  rm -f "$fake/worker" "$fake/slice/cgroup.procs" "$fake/container"
}

case "$1 $*" in
  is-active*) [ -e "$fake/active/$3" ] ;;
  show*ControlGroup*) echo "/../../..$fake/slice" ;;
  show*LoadState*) cat "$fake/load-$4" 2>/dev/null || echo loaded ;;
  show*ActiveState*)
    cat "$fake/state-$4" 2>/dev/null && exit
    if [ -e "$fake/active/$4" ]; then echo active; else echo inactive; fi
    ;;
  daemon-reload*) echo reload >>"$fake/told" ;;
  kill*) rm -f "$fake/survives"; end ;;
  "start start afk-drill.service")
    setsid "$lib/drill-systemctl" & echo $! >"$fake/drill"
    wait $!
    setsid "$lib/drill-restore" || exit 1
    touch "$fake/restored"
    ;;
  "stop stop afk-drill.service")
    kill -KILL "-$(cat "$fake/drill")"
    while [ ! -e "$fake/restored" ]; do sleep 0.05; done
    ;;
  start*)
    shift
    [ "$1" != --no-block ] || shift
    echo "start $1" >>"$fake/told"
    [ "$1" = afk.timer ] && [ -e "$fake/stuck" ] && exit 1
    touch "$fake/active/$1"
    case $1 in
      afk.timer) touch "$fake/active/afk-stop.path" "$fake/active/afk-watchdog.timer" ;;
      afk.service | afk-loop.service) if [ -d "$root/run/systemd/system/$1.d" ]; then work "$1"; fi ;;
    esac
    ;;
  stop*)
    shift
    echo "stop $*" >>"$fake/told"
    for unit in "$@"; do
      rm -f "$fake/active/$unit"
      case $unit in afk.timer | afk.service | afk-loop.service) rm -f "$fake/active/afk.service"; end ;; esac
    done
    if [ -e "$fake/revives" ]; then rm "$fake/revives"; (sleep 1; work afk.service) & fi
    ;;
esac
`;

const DOCKER = `
case "$1" in
  version) [ ! -e "$FAKE_HOST/no-engine" ] ;;
  ps)
    [ -e "$FAKE_HOST/container" ] || exit 0
    case "$*" in *--quiet*) echo 4711 ;; *) echo "afk Up 2 seconds" ;; esac
    ;;
  rm) FAKE_HOST=$FAKE_HOST systemctl kill ;;
  run)
    case " $* " in
      *" status "*) cat "$FAKE_HOST/status" ;;
      *) [ ! -e "$FAKE_HOST/no-record" ] ;;
    esac
    ;;
esac
`;

const WELL = JSON.stringify({ killed: null, queue: { ready: 0, running: 0 } }, null, 2);

export function fakeHost(): FakeHost {
  const root = staged();
  const docker = fakeDocker(DOCKER);
  const fake = join(root, "fake");
  mkdirSync(join(fake, "active"), { recursive: true });
  writeFileSync(join(fake, "status"), WELL);
  const systemctl = join(docker.environment.PATH?.split(":")[0] ?? "", "systemctl");
  writeFileSync(systemctl, FAKE);
  chmodSync(systemctl, 0o755);
  const read = (name: string) => (existsSync(join(fake, name)) ? readFileSync(join(fake, name), "utf8") : "");
  const isAtWork = () => read("worker") !== "" && existsSync(`/proc/${read("worker").trim()}`);
  onTestFinished(() => {
    if (isAtWork()) process.kill(Number(read("worker")), "SIGKILL");
  });
  return {
    root,
    environment: { ...docker.environment, FAKE_HOST: fake, FAKE_ROOT: root },
    let: (name, content = "") => writeFileSync(join(fake, name), content),
    active: () => readdirSync(join(fake, "active")).sort(),
    setActive(...units) {
      rmSync(join(fake, "active"), { recursive: true });
      mkdirSync(join(fake, "active"));
      for (const unit of units) writeFileSync(join(fake, "active", unit), "");
    },
    runs: () =>
      docker
        .calls()
        .filter(([verb]) => verb === "run")
        .map((call) => call.slice(call.indexOf("afk:staged") + 1)),
    told: () => read("told").split("\n").filter(Boolean),
    isAtWork,
  };
}
