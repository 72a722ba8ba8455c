import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { bad, type Examination, type OnHost, ok, skipped } from "./check.ts";
import type { Host } from "./host.ts";

const NAME = "timer";
const UNIT = "afk.timer";
const TIMEOUT_MS = 1_000;

/** Whether systemd will run the agent, now and after a reboot; only where its timer is what runs it. */
export const timer: Examination<OnHost> = {
  group: "host",
  name: NAME,
  look: async ({ host }) => {
    if (host.isContainer)
      return [skipped(NAME, `cannot be seen from inside a container; on the host: systemctl status ${UNIT}`)];
    if (!host.hasSystemd) return [skipped(NAME, "no systemd here: what runs afk is up to you")];
    if (!host.timerFiles.some((path) => existsSync(path)))
      return [skipped(NAME, `${UNIT} is not installed here: what runs afk is up to you`)];
    const [enabled, active] = await Promise.all([ask(host, "is-enabled"), ask(host, "is-active")]);
    if (enabled === "enabled" && active === "active") return [ok(NAME, `${UNIT} is enabled and active`)];
    return [bad(NAME, `${UNIT} is ${enabled} and ${active}`, `sudo systemctl enable --now ${UNIT}`)];
  },
};

/** Its one word. systemctl says no by its exit code, and says what instead on standard output all the same. */
function ask({ systemctl }: Host, question: string): Promise<string> {
  return new Promise((resolve) => {
    execFile(systemctl, [question, UNIT], { timeout: TIMEOUT_MS }, (error, stdout) => {
      resolve(stdout.trim().split("\n")[0] || `unknown (${error?.message.split("\n")[0] ?? "no answer"})`);
    });
  });
}
