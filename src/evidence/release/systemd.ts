import { evenInterval, type ReleasePlan, type Rendered, refuse, shellQuote } from "./plan.ts";

/** The schedule of afk.timer as a drop-in (systemd.timer(5)); the units themselves are what systemd/install installs. */
export function renderSystemd(plan: ReleasePlan): Rendered {
  if (plan.isContinuous)
    throw refuse(
      "under systemd the loop is a unit of its own: sudo systemctl disable --now afk.timer && sudo systemctl enable --now afk-loop.service",
    );
  const timer = plan.instance === null ? "afk.timer" : `afk@${plan.instance}.timer`;
  const phone = plan.instance === null ? "afk-remote.service" : `afk-remote@${plan.instance}.service`;
  const target = `/etc/systemd/system/${timer}.d/schedule.conf`;
  const lines = [
    `# afk: ${plan.agent}. Goes to ${target}; the units themselves come from systemd/install.`,
    "# One bounded pass at each of these times; what is due is decided by the schedules of afk.yaml.",
    "# Missed runs are not made up for by systemd: the next tick does what was missed, once, and afk tells of it",
    "# (tick_missed).",
    "[Timer]",
    "# An empty value takes away every time that the unit itself says; the tick at its start comes back below.",
    "OnCalendar=",
    "OnActiveSec=1s",
    schedule(plan.everySeconds),
    "Persistent=false",
  ];
  return {
    name: "afk-schedule.conf",
    content: `${lines.join("\n")}\n`,
    beside: [],
    install: (file) => [
      `sudo install -D -m 644 ${shellQuote(file)} ${target}`,
      "sudo systemctl daemon-reload",
      `sudo systemctl restart ${timer}`,
      ...(plan.readsPhone ? [`sudo systemctl enable --now ${phone}`] : []),
    ],
    uninstall: [
      `sudo rm ${target}`,
      "sudo systemctl daemon-reload",
      `sudo systemctl restart ${timer}`,
      ...(plan.readsPhone ? [`sudo systemctl disable --now ${phone}`] : []),
    ],
  };
}

function schedule(everySeconds: number): string {
  const even = evenInterval(everySeconds);
  // No even interval: from one run to the next.
  if (even === null) return `OnUnitActiveSec=${everySeconds}s`;
  if (even.unit === "day") return "OnCalendar=*-*-* 00:00:00";
  return even.unit === "hours" ? `OnCalendar=0/${even.every}:00` : `OnCalendar=*:0/${even.every}`;
}
