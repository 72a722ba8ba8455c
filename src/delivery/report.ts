/**
 * The result of a run as its receivers get it: what each form (forms/) is made of is this and nothing else.
 * All texts are plain and come from outside: not escaped for any output.
 */
export interface Report {
  /** `Sunday 29 November: 12 new items` */
  title: string;
  /** The opening, or the whole text of what has no items. */
  text: string;
  /** `12 new items from 6 sources; 3 more wait for the next digest.` */
  counts: string | null;
  /** In the order of the page; `heading` is null where nothing is grouped. */
  sections: ReportSection[];
  /** What failed and what was left out, a line each. */
  notes: string[];
  /** Names of the run's files in `out/`. */
  files: string[];
}

/** A report with whether it is news. */
export type RunReport = Report & { isNews: boolean };

/** Items that belong together, and whose they are. */
export interface ReportSection {
  heading: string | null;
  items: ReportItem[];
}

/** One thing with a link. */
export interface ReportItem {
  /** What `afk rate` takes; null where it is not kept. */
  id: string | null;
  title: string;
  /** An http or https address, or null. */
  link: string | null;
  /** The source and the date, for instance. */
  byline: string;
  text: string;
  /** Remarks on the text: who wrote it, why it stands where it stands. */
  remark: string | null;
}
