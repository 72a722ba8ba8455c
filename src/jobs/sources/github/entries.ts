import * as v from "valibot";
import { type Entry, optionalText as text } from "../forge/listing.ts";

type EntrySchema = v.GenericSchema<unknown, Entry | null>;

const id = v.nullish(v.union([v.number(), v.string()]));

/** How the entries of GitHub's lists are read; Forgejo's are the same. `host` is of another forge, whose numbers are its own. */
export function entriesOf(host = "") {
  const forge = host === "" ? "github" : `forge:${host}`;
  const idOf = (event: string, value: v.InferOutput<typeof id>) =>
    value === undefined || value === null ? null : `${forge}:${event}:${value}`;
  const releases: EntrySchema = v.pipe(
    v.object({
      id,
      html_url: v.string(),
      name: text,
      tag_name: v.string(),
      body: text,
      published_at: text,
      created_at: text,
      draft: v.nullish(v.boolean()),
      prerelease: v.nullish(v.boolean()),
    }),
    v.transform((entry) => {
      // Only who may write to the repository sees one, and it can still change.
      if (entry.draft === true) return null;
      const title = entry.name ?? entry.tag_name;
      return {
        id: idOf("release", entry.id),
        link: entry.html_url,
        title: entry.prerelease === true && !/pre-?release/i.test(title) ? `${title} (pre-release)` : title,
        text: entry.body,
        publishedAt: entry.published_at ?? entry.created_at,
      };
    }),
  );
  const commits: EntrySchema = v.pipe(
    v.object({
      sha: v.string(),
      html_url: v.string(),
      commit: v.object({
        message: v.string(),
        committer: v.nullish(v.object({ date: text })),
        author: v.nullish(v.object({ date: text })),
      }),
    }),
    v.transform(({ sha, html_url: link, commit: { message, committer, author } }) => ({
      id: idOf("commit", sha),
      link,
      title: `${sha.slice(0, 7)}: ${message.trim().split("\n", 1)[0]}`,
      text: message,
      publishedAt: committer?.date ?? author?.date,
    })),
  );
  /** What issues and pull requests have alike. */
  const numbered = {
    id,
    number: v.number(),
    html_url: v.string(),
    title: v.string(),
    body: text,
    created_at: text,
  };
  const issues: EntrySchema = v.pipe(
    v.object({
      ...numbered,
      pull_request: v.optional(v.unknown()),
    }),
    v.transform((entry) =>
      // The API lists pull requests among the issues; only they have this key.
      entry.pull_request !== undefined
        ? null
        : {
            id: idOf("issue", entry.id),
            number: entry.number,
            thing: "issue" as const,
            link: entry.html_url,
            title: `issue ${entry.number}: ${entry.title}`,
            text: entry.body,
            publishedAt: entry.created_at,
          },
    ),
  );
  const pull_requests: EntrySchema = v.pipe(
    v.object({
      ...numbered,
      draft: v.nullish(v.boolean()),
    }),
    v.transform((entry) => ({
      id: idOf("pull", entry.id),
      number: entry.number,
      thing: "pull_request" as const,
      link: entry.html_url,
      title: `${entry.draft === true ? "draft " : ""}pull request ${entry.number}: ${entry.title}`,
      text: entry.body,
      publishedAt: entry.created_at,
    })),
  );
  const requested: EntrySchema = v.pipe(
    v.object({
      id,
      number: v.number(),
      html_url: v.string(),
      title: v.string(),
      body: text,
      updated_at: text,
    }),
    v.transform((entry) => ({
      id: idOf("review-request", entry.id),
      number: entry.number,
      thing: "pull_request" as const,
      link: entry.html_url,
      title: `your review is asked for: pull request ${entry.number}: ${entry.title}`,
      text: entry.body,
      publishedAt: entry.updated_at,
    })),
  );
  const review = (number: number): EntrySchema =>
    v.pipe(
      v.object({
        id,
        html_url: v.string(),
        state: v.string(),
        body: text,
        submitted_at: text,
        user: v.nullish(v.object({ login: v.string() })),
      }),
      v.transform((entry) => {
        // What somebody is still writing.
        if (entry.state === "PENDING") return null;
        return {
          id: idOf("review", entry.id),
          number,
          thing: "pull_request" as const,
          link: entry.html_url,
          title: `pull request ${number}: ${entry.user?.login ?? "somebody"} ${VERDICTS[entry.state] ?? "commented"}`,
          text: entry.body,
          publishedAt: entry.submitted_at,
        };
      }),
    );
  const failed_runs: EntrySchema = v.pipe(
    v.object({
      id,
      run_attempt: v.nullish(v.number()),
      run_number: v.nullish(v.number()),
      name: text,
      display_title: text,
      html_url: v.string(),
      head_branch: text,
      event: text,
      updated_at: text,
    }),
    v.transform((entry) => ({
      id: idOf("run", `${entry.id}.${entry.run_attempt ?? 1}`),
      link: entry.html_url,
      title: `run failed: ${entry.name ?? "workflow"} ${entry.run_number ?? ""} on ${entry.head_branch ?? "no branch"}`,
      text: [entry.display_title, entry.event && `Started by ${entry.event}.`].filter(Boolean).join("\n"),
      publishedAt: entry.updated_at,
    })),
  );
  return { releases, commits, issues, pull_requests, requested, review, failed_runs };
}

const VERDICTS: Record<string, string> = {
  APPROVED: "approved it",
  CHANGES_REQUESTED: "asks for changes",
  DISMISSED: "reviewed it, and that was dismissed",
};

/** Notifications of the token's owner; an entry is told of again when something new came to it. */
export const notification: EntrySchema = v.pipe(
  v.object({
    id: v.union([v.string(), v.number()]),
    reason: v.string(),
    updated_at: text,
    subject: v.object({ title: v.string(), type: v.string(), url: text }),
    repository: v.object({ full_name: v.string(), html_url: v.string() }),
  }),
  v.transform(({ id: thread, reason, updated_at: at, subject, repository }) => {
    const [, kind, number] = /\/(issues|pulls|commits)\/([0-9a-f]+)$/.exec(subject.url ?? "") ?? [];
    const page =
      kind === undefined ? "" : `/${kind.replace("pulls", "pull").replace("commits", "commit")}/${number}`;
    return {
      id: `github:notification:${thread}:${at ?? ""}`,
      link: `${repository.html_url}${page}`,
      title: `${repository.full_name} ${subject.type.replace(/(?<=[a-z])(?=[A-Z])/g, " ").toLowerCase()}: ${subject.title}`,
      text: `Why: ${reason.replaceAll("_", " ")}.`,
      publishedAt: at,
    };
  }),
);
