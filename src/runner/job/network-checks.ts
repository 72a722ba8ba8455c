import type { JobConfig } from "../../config/config.ts";
import { checkedLookup, systemResolve } from "../../egress/address.ts";
import { createConnect } from "../../egress/connect.ts";
import type { MailAccess } from "../../egress/imap/access.ts";
import { checkUrl, describeUrl, mayBePrivate } from "../../egress/url.ts";
import { exchange } from "../../http/exchange.ts";
import { calendarAddress } from "../../jobs/sources/calendar/settings.ts";
import { isRemote } from "../../jobs/sources/feed/settings.ts";
import { kindOf, sourcesOf } from "../../jobs/sources/registry.ts";
import type { SourceQuestions } from "../../jobs/sources/source-kind.ts";
import type { TriageSettings } from "../../jobs/triage/settings.ts";
import { AfkError, messageOf } from "../../lib/errors.ts";
import {
  bad,
  type Examination,
  type Finding,
  type Found,
  ok,
  type WithConfig,
  warn,
} from "../../ops/doctor/check.ts";

const FEEDS_MAX = 20;
const FEED_MS_MAX = 5_000;
const SOURCES_MAX = 20;
const SOURCE_MS_MAX = 20_000;

const MEND = "mend it in afk.yaml or where the secret is set; where a server is down, wait";

/** What jobs read, by job. */
export function readersOf(jobs: readonly JobConfig[]) {
  return jobs.map((job) => ({ name: job.name, sources: sourcesOf(job) }));
}

/** What `afk doctor` asks over the network about what jobs read: that feeds answer, and that logins and tokens are taken. */
export function networkChecks(config: Pick<WithConfig["config"], "jobs">): Examination<WithConfig>[] {
  return [...feedChecks(config), ...sourceChecks(config)];
}

/** One check of all feeds, where there are any: that their hosts may be asked, and that they answer. */
function feedChecks({ jobs }: Pick<WithConfig["config"], "jobs">): Examination<WithConfig>[] {
  const addresses = readersOf(jobs).flatMap(({ sources }) =>
    sources.flatMap((source) => {
      if ("calendar" in source) return calendarAddress(source) ?? [];
      return "feed" in source && isRemote(source.feed) ? [source.feed] : [];
    }),
  );
  const asked = [...new Set(addresses)].slice(0, FEEDS_MAX);
  if (asked.length === 0) return [];
  const check = async ({ config }: WithConfig): Promise<Found> => {
    const problems = await Promise.all(asked.map((address) => feedProblem(address, config.egress)));
    const findings = problems.flatMap((problem): Finding[] =>
      problem === null ? [] : [warn(problem, MEND)],
    );
    if (findings.length > 0) return findings;
    return ok(asked.length === 1 ? "the feed answers" : `${asked.length} feeds answer`);
  };
  return [["jobs", "feeds", check, "network"]];
}

/** One check of all sources that can be asked whether they may be read, such as mailboxes: by logging in. */
function sourceChecks({ jobs }: Pick<WithConfig["config"], "jobs">): Examination<WithConfig>[] {
  const asked = readersOf(jobs).flatMap(({ name, sources }) =>
    sources.flatMap((source) => {
      const { examine } = kindOf(source);
      const ask = (questions: SourceQuestions) => examine?.(source, questions);
      return examine === undefined ? [] : [{ name, ask }];
    }),
  );
  const drafts = jobs.flatMap((job) =>
    draftFolders(job).map(({ access, folder }) => ({
      name: job.name,
      ask: async ({ findDrafts }: SourceQuestions) =>
        `replies go to ${await findDrafts(access, folder)} at ${access.host}`,
    })),
  );
  const questions = [...asked, ...drafts].slice(0, SOURCES_MAX);
  if (questions.length === 0) return [];
  const check = async ({ config: { egress } }: WithConfig): Promise<Found> =>
    await Promise.all(
      questions.map(async ({ name, ask }): Promise<Finding> => {
        try {
          return ok(`job ${name}: ${await ask(questionsOver(egress))}`);
        } catch (error) {
          return bad(`job ${name}: ${messageOf(error)}`, MEND);
        }
      }),
    );
  return [["jobs", "access", check, "network"]];
}

/** The folders that replies of a triage are laid into, each once for a mailbox. */
function draftFolders({ kind, settings }: JobConfig): { access: MailAccess; folder: string | null }[] {
  if (kind !== "triage") return [];
  const { rules, sources } = settings as TriageSettings;
  const replies = rules.filter(({ reply }) => reply !== undefined);
  const folders = [...new Set(replies.map(({ drafts = null }) => drafts))];
  return sources.flatMap((source) =>
    "imap" in source ? folders.map((folder) => ({ access: source.imap, folder })) : [],
  );
}

/** Mail is loaded where there is a mailbox: it takes as long as all else that doctor loads. */
function questionsOver(egress: WithConfig["config"]["egress"]): SourceQuestions {
  const connect = createConnect(egress);
  const signal = AbortSignal.timeout(SOURCE_MS_MAX);
  return {
    async openMailbox(access) {
      const { readMailbox } = await import("../../egress/imap/read-mailbox.ts");
      return await readMailbox(access, { connect, signal });
    },
    async findDrafts(access, folder) {
      const { findDrafts } = await import("../../egress/imap/append-draft.ts");
      return await findDrafts(access, folder, { connect, signal });
    },
    async statusOf(address, headers) {
      const { reply } = await askOnce(address, headers, egress);
      return reply.status;
    },
  };
}

/** One GET within egress, no redirect. @throws EgressRefused, and what fetch throws. */
async function askOnce(
  address: string,
  headers: Record<string, string>,
  egress: WithConfig["config"]["egress"],
) {
  const url = checkUrl(address, egress);
  await refusePrivate(url.hostname, (host) => mayBePrivate(host, egress));
  const request = { url: url.href, method: "GET" as const, headers };
  return { url, ...(await exchange(request, AbortSignal.timeout(FEED_MS_MAX), 1)) };
}

async function feedProblem(address: string, egress: WithConfig["config"]["egress"]): Promise<string | null> {
  try {
    const { url, reply, headers } = await askOnce(address, {}, egress);
    const shown = describeUrl(url);
    if (reply.status >= 400) return `${shown} answered ${reply.status}`;
    const target = reply.status >= 300 ? URL.parse(headers.get("location") ?? "", url.href) : null;
    if (target !== null) checkUrl(target.href, egress);
    return null;
  } catch (error) {
    if (error instanceof AfkError) return error.message;
    const shown = URL.parse(address)?.host ?? "a feed";
    return `${shown} does not answer: ${messageOf(error)}`;
  }
}

/** @throws EgressRefused, or what the resolver says. */
function refusePrivate(hostname: string, isPrivateAllowed: (host: string) => boolean): Promise<void> {
  return new Promise((done, refuse) => {
    checkedLookup(systemResolve, isPrivateAllowed)(
      hostname.replace(/^\[|\]$/g, ""),
      { all: true },
      (error) => (error === null ? done() : refuse(error)),
    );
  });
}
