/** What `afk init` asks. */
export interface TemplateAnswers {
  agent: string;
  timezone: string;
  dailyCapUsd: number;
  /** A model reference, `ollama/NAME` for instance. */
  model: string;
  /** Addresses of feeds, and paths of folders or of files that hold a feed; none gives a digest of the folder ./inbox. */
  feeds: string[];
  /** Where alerts go: a type of `alerts:` with its address. */
  channel?: { type: string; url: string } | null;
}

/**
 * A choice of `afk init`: the jobs of its afk.yaml, and what is to be done before they run. To add one, export it from a file
 * of its own beside this one and list it in `examples.ts`; its README and files stand in examples/NAME/.
 */
export interface Example {
  /** The name that is typed, and the folder's in examples/. */
  name: string;
  /** What it does, in half a sentence. */
  what: string;
  /** Whether it reads what the question for feeds and folders asks for. */
  readsFeeds: boolean;
  /** Hosts for egress.allow. */
  hosts(answers: TemplateAnswers): string[];
  /** What stands under `jobs:`, indented by two spaces, with comments. Answers go in by `quote`. */
  jobs(answers: TemplateAnswers): string;
  /** The job that is run once to try it, and what comes of it: `makes the first digest now`. */
  first: { job: string; does: string };
  /** What it does by itself from then on: `a digest each morning at 06:00`. */
  rhythm: string;
  /** What is to be filled in first, one thing a line: `set MAIL_PASSWORD in the environment`. */
  before: readonly string[];
  /** Variables of the environment that it names, each with a value that would do. */
  variables: Readonly<Record<string, string>>;
}

/** YAML reads a JSON string as the same text. `$${` keeps an answer from being taken for a variable. */
export function quote(answer: string): string {
  return JSON.stringify(answer.replaceAll("${", () => "$${"));
}

/** A path is that of a folder, unless its name ends as files with feeds do. */
function isFeed(source: string): boolean {
  return /^[a-z][a-z0-9+.-]*:|\.(?:xml|rss|atom|json|rdf)$/i.test(source);
}

/** A feed that is no web address is the path of a file. */
export function feedHosts({ feeds }: TemplateAnswers): string[] {
  const addresses = feeds.filter((feed) => /^https?:/.test(feed));
  return [...new Set(addresses.map((address) => URL.parse(address)?.hostname ?? address))];
}

/** The entries of `sources:` for what is to be read, indented by six spaces. */
export function feedSources({ feeds }: TemplateAnswers): string {
  const written =
    feeds.length === 0
      ? ["{ folder: ./inbox }"]
      : feeds.map((feed) => `{ ${isFeed(feed) ? "feed" : "folder"}: ${quote(feed)} }`);
  return written.map((source) => `      - ${source}`).join("\n");
}
