import { inject } from "vitest";
import type { Scene } from "../../runbook/placeholders.ts";
import { insertDraft, insertQuestion, sceneYaml } from "../../runbook/scene-config.ts";
import type { CommandResult } from "../../support/engine/command.ts";
import { startVm, type Vm } from "../../support/engine/vm.ts";
import { eventually } from "../systemd/eventually.ts";
import { startReceiver } from "../systemd/receiver.ts";

/** A host with systemd and Docker, afk's image in its engine, and a person who types what the runbook says. */
export interface Host extends Pick<Vm, "ok" | "stop"> {
  /** Types a line, in /root. In an editor, the person writes what the runbook says beside it. */
  person(line: string, comment: string): Promise<CommandResult>;
  scene: Scene;
  /** Starts timer or loop, and resolves when a job is at work. */
  atWork(isLoop: boolean): Promise<void>;
  /** Nothing is at work or scheduled, nothing stopped, and the job ends at once when it comes again. */
  atRest(): Promise<void>;
  isNothingLeft(): Promise<boolean>;
  hasDigest(): Promise<boolean>;
  hasTicked(): Promise<boolean>;
  isStopped(): Promise<boolean>;
  dayCap(): Promise<number>;
  /** The events of the alerts that have arrived. */
  events(): Promise<unknown[]>;
  /** How many requests have come for this path. */
  received(path: string): Promise<number>;
}

interface StatusJson {
  killed: { reason: string } | null;
  lastTick: { finishedAt: string | null } | null;
  spend: { window: string; capUsd: number }[];
}

/** `$EDIT` is what is written: `NAME=value` for a file of settings, `key: value` for YAML. */
const SUDOEDIT = `#!/bin/sh
set -eu
case "$EDIT" in
  without\\ *) sed -i "/^\${EDIT#without }=/d" "$1" ;;
  [A-Z]*=[0-9]*) sed -i "/^\${EDIT%%=*}=/d" "$1"; echo "$EDIT" >>"$1" ;;
  *:\\ *) sed -i "s|\${EDIT%%:*}: .*|$EDIT|" "$1" ;;
esac
`;
const SUDO = '#!/bin/sh\nexec "$@"\n';
/** At work for as long as the file is there. */
const LONG = `  - { name: long, kind: exec, schedule: "0 0 1 1 *", command: [sh, -c, "test ! -e /data/long || sleep 600"] }
`;
/** By afk's own image, since the VM has no program for SQLite. */
const SQL = `const Database = require("/app/node_modules/better-sqlite3"); new Database("/data/afk.db").exec(process.argv[1]);`;

export async function startHost(): Promise<Host> {
  const { afkImage } = inject("engine");
  const [vm, receiver] = await Promise.all([startVm(), startReceiver()]);
  await vm.load(afkImage);
  await vm.write("/usr/local/bin/sudo", SUDO, "755");
  await vm.write("/usr/local/bin/sudoedit", SUDOEDIT, "755");
  await vm.write("/root/inbox/first.md", "# The first\n\nIt says something.\n");
  const url = new URL(receiver.url);
  // It answers everything with {}: for a model that is a reply without usage.
  const yaml =
    sceneYaml({ model: receiver.url, inbox: "/data/inbox", allow: url.hostname, channels: "" }) + LONG;
  const ask = async (words: string[]) => JSON.parse(await vm.ok(["afk", ...words, "--json"]));
  const status = async () => (await ask(["status"])) as StatusJson;
  let count = 0;
  const afk = (line: string) => vm.exec(`afk ${line}`);
  const bring = (name: string) =>
    vm.ok(`mkdir -p /var/lib/afk/data/inbox && echo "It says ${name}." > /var/lib/afk/data/inbox/${name}.md`);
  const insert = (what: string, sql: string) => {
    const mount = "-v /var/lib/afk/data:/data --network none --entrypoint node";
    return vm.ok(["sh", "-c", `docker run --rm ${mount} ${afkImage} -e "$1" "$2"`, what, SQL, sql]);
  };

  return {
    ok: vm.ok,
    stop: async () => {
      await Promise.all([vm.stop(), receiver.stop()]);
    },
    async person(line, comment) {
      const result = await vm.exec([
        "sh",
        "-c",
        `cd /root && EDIT="$1" && export EDIT && ${line}`,
        "person",
        comment,
      ]);
      // The first time, everything in the file is the person's own.
      if (line === "sudoedit /etc/afk/env" && comment.startsWith("ALERT_WEBHOOK"))
        await vm.write(
          "/etc/afk/env",
          `ALERT_WEBHOOK=${receiver.url}/alerts\nOPENAI_API_KEY=not-a-real-key\n`,
          "600",
        );
      if (line === "sudoedit /etc/afk/afk.yaml" && comment.startsWith("cap,")) {
        await vm.write("/etc/afk/afk.yaml", yaml);
        await bring("first");
      }
      return result;
    },
    async atWork(isLoop) {
      count += 1;
      await vm.ok(`touch /var/lib/afk/data/long && afk enqueue long --key long-${count}`);
      await vm.ok(`systemctl ${isLoop ? "restart afk-loop.service" : "restart afk.timer"}`);
      await eventually(
        "a job is at work",
        async () => (await vm.exec("pgrep -x sleep -a | grep 600")).code === 0,
      );
    },
    async atRest() {
      await vm.ok("rm /var/lib/afk/data/long && afk resume && systemctl stop afk.timer afk-loop.service");
    },
    isNothingLeft: async () => {
      const { stdout } = await vm.exec(
        "docker ps -q --filter name='^afk$' --filter name=afk-by-hand; pgrep -xa sleep | grep 600",
      );
      return stdout.trim() === "";
    },
    hasDigest: async () => (await vm.exec("ls /var/lib/afk/data/out/*.md")).code === 0,
    hasTicked: async () => ((await status()).lastTick?.finishedAt ?? null) !== null,
    isStopped: async () => (await status()).killed !== null,
    dayCap: async () => (await status()).spend.find(({ window }) => window === "day")?.capUsd ?? Number.NaN,
    events: async () => (await receiver.received()).map(({ body }) => body.event),
    received: async (path) => (await receiver.received()).filter((one) => one.path === path).length,
    scene: {
      image: afkImage,
      file: "/root/by-table.db",
      ask,
      async makeDead() {
        count += 1;
        await vm.ok(`afk enqueue broken --key broken-${count}`);
        await afk("tick");
      },
      async makeUnknown() {
        count += 1;
        await bring(`more-${count}`);
        await vm.ok(`afk enqueue digest --key digest-${count}`);
        await afk("tick");
      },
      async makeDraft() {
        count += 1;
        await insert("draft", insertDraft(`draft-${count}`, `${receiver.url}/draft`));
      },
      async makeQuestion() {
        count += 1;
        await vm.ok(`afk enqueue digest --key asked-${count}`);
        await insert("question", insertQuestion(`question-${count}`, `asked-${count}`));
      },
    },
  };
}
