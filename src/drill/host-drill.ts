import type { Figures, Finding } from "./recorder.ts";

/** The one drill that a container cannot do to itself: the host's own command fires it, and reports its figures. */
export const HOST_DRILL = {
  name: "systemctl",
  description: "systemctl stop ends a worker and all that it started, and nothing comes back",
  promise: "Who stops the unit needs neither afk nor the engine to obey.",
  command: "sudo afk drill systemctl",
} as const;

/** What was done, as the record says it. */
export function hostSteps({ stopped, worker }: Figures): string[] {
  return [
    `Had systemd start a worker by its unit (${worker ?? "afk.service"}), on a scratch configuration and state, with a job whose processes ignore SIGTERM and write a sign of life five times a second.`,
    `Listed the processes of afk.slice and the containers, then ran: systemctl stop ${stopped ?? "afk.timer"}`,
    "Looked for processes and containers until none was left, and for some seconds more whether any came back.",
    "Put the units back as they had been.",
  ];
}

/** What must be so for a pass, by the figures that the host measured. A figure that is missing is not so. */
export function hostFindings(figures: Figures): Finding[] {
  const atLeast = (name: string, least: number) => Number(figures[name] ?? Number.NaN) >= least;
  const finding = (expected: string, isSo: boolean, ...names: string[]): Finding => {
    const found = names.map((name) => `${name} ${figures[name] ?? "is missing"}`).join(", ");
    return { expected, isSo, found };
  };
  return [
    finding(
      "a worker was at work: processes of it, its container, and signs of life of its job",
      WORKER_FIGURES.every((name) => atLeast(name, 1)),
      ...WORKER_FIGURES,
    ),
    finding(
      "the system's list of processes had none of it any more",
      figures.processesAfter === 0 && atLeast("goneMs", 0),
      ...["processesAfter", "goneMs"],
    ),
    finding(
      "the engine's list of containers had none of it any more",
      figures.containersAfter === 0,
      "containersAfter",
    ),
    finding(
      "its job was silent from then on, and nothing came back",
      figures.signsOfLifeAfter === 0 && figures.cameBack === "" && atLeast("watchedMs", 1_000),
      ...["signsOfLifeAfter", "cameBack", "watchedMs"],
    ),
  ];
}

const WORKER_FIGURES = ["processesBefore", "containersBefore", "signsOfLifeBefore"];
