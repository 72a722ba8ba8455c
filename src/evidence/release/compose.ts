import { basename, dirname } from "node:path";
import { stringify } from "yaml";
import { backupArguments, type ReleasePlan, type Rendered, shellQuote, WATCHDOG } from "./plan.ts";

/** What every container of afk has, as in compose.yaml. */
const HARDENED = {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: compose fills it in.
  image: "${AFK_IMAGE:-afk}",
  read_only: true,
  cap_drop: ["ALL"],
  security_opt: ["no-new-privileges:true"],
  init: true,
  stop_grace_period: "10s",
  // biome-ignore lint/suspicious/noTemplateCurlyInString: compose fills it in.
  restart: "${AFK_RESTART:-on-failure}",
  logging: { driver: "json-file", options: { "max-size": "10m", "max-file": "3" } },
  tmpfs: ["/tmp:size=64m"],
  mem_limit: "512m",
  memswap_limit: "512m",
  pids_limit: 256,
  // Secrets and settings of the host; without the file it works too.
  env_file: [{ path: ".env", required: false }],
};

const NOTES = [
  "One project of compose for this agent, beside those of others: its name, its state and its networks are its own. The worker is",
  "the loop; two more containers on the same state are its watchdog and its backup, with which it shares nothing else.",
  ".env beside this file holds secrets and host settings, a line each; every variable of it gets through.",
  "Stopped from outside: docker compose stop (sets no switch), or afk stop in the worker (stays down until afk resume).",
  "After a reboot nothing starts by itself unless .env says AFK_RESTART=unless-stopped.",
];

/** A compose file for this agent alone: its worker, the watchdog and the backup. */
export function renderCompose(plan: ReleasePlan): Rendered {
  // A path of this host is none in a container, and a switch whose folder is gone counts as set.
  const settings = plan.settings.filter(([variable]) => variable !== "KILL_FLAG");
  const service = (command: object) => ({
    ...HARDENED,
    environment: {
      AFK_CONFIG: `/etc/afk/${escapeDollar(basename(plan.configFile))}`,
      AFK_STATE: "/data",
      ...Object.fromEntries(settings),
    },
    volumes: [`${escapeDollar(dirname(plan.configFile))}:/etc/afk:ro`, "state:/data"],
    ...command,
  });
  const content = {
    name: `afk-${plan.agent}`,
    services: {
      worker: service({ command: ["run"] }),
      watchdog: service(every("afk watchdog", WATCHDOG.everyMinutes * 60)),
      backup: service(every(backupArguments("/data").map(shellQuote).join(" ").replace(/^/, "afk "), 86_400)),
    },
    volumes: { state: {} },
  };
  const name = `compose.${plan.agent}.yaml`;
  const lines = [
    `afk: ${plan.agent}`,
    ...NOTES,
    ...plan.leftOut.map(
      (variable) => `${variable} was set here and is a secret, so it is not in this file: put it into .env.`,
    ),
  ].map((line) => `# ${line}`);
  return {
    name,
    content: `${lines.join("\n")}\n${stringify(content, { lineWidth: 0 })}`,
    beside: [],
    install: (file) => [`docker compose -f ${shellQuote(file)} up -d`],
    uninstall: [`docker compose -p afk-${plan.agent} down`],
  };
}

/** To compose a $ begins a name. */
function escapeDollar(text: string): string {
  return text.replaceAll("$", "$$$$");
}

/** Again and again, until it is told to end. */
function every(command: string, seconds: number): object {
  const script = `trap 'exit 0' TERM; while :; do sleep ${seconds} & wait $$!; ${command} || :; done`;
  return { entrypoint: ["/bin/sh", "-c", script], healthcheck: { disable: true } };
}
