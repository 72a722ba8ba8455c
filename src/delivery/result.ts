import type { Outcome } from "../store/schema/results.ts";
import type { Report } from "./report.ts";

/** A result with all that the forms say of it. */
export interface Result {
  /** Of the delivery: the same at every try, so that a receiver can drop a repeat. */
  key: string;
  agent: string;
  /** The job's name, and the key of the run. */
  job: string;
  run: string;
  /** Of the period, as in the names of its files. */
  label: string;
  outcome: Outcome;
  isNews: boolean;
  createdMs: number;
  report: Report;
  /** Where the page shows it; null where afk.yaml does not say how people reach the page. */
  pageUrl: string | null;
}

/** Whose result it is, and its title: one line for a subject or a headline. */
export function headlineOf({ job, report }: Pick<Result, "job" | "report">): string {
  return `${job}: ${report.title}`;
}

/** The first link of its items; null where none has one. */
export function firstLink({ report }: Pick<Result, "report">): string | null {
  const items = report.sections.flatMap(({ items }) => items);
  return items.find(({ link }) => link !== null)?.link ?? null;
}
