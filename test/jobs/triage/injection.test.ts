// @module-tag processes
// @module-tag slow

import { lookup } from "node:dns/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { PerformanceObserver } from "node:perf_hooks";
import { describe, expect, onTestFinished, test } from "vitest";
import { type Agent, openAgent } from "../../../src/agent.ts";
import { startModelEndpoint } from "../../../src/faults/model-endpoint.ts";
import { deployment, PROCESSES } from "../../support/afk.ts";
import { type Dovecot, missingDovecot, startDovecot } from "../../support/dovecot.ts";
import { type Injection, injections, UNSEEN } from "./support/injections.ts";

const LABELS = { urgent: "what cannot wait", question: "somebody asks something", other: "all else" };
const REPLY = "Hello,\n\n{answer}\n\nKind regards";

/** A server that remembers what it was asked. */
async function serverOf(answer: (path: string) => string) {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    response.writeHead(200, { "content-type": "application/json" }).end(answer(request.url ?? ""));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}

/** Names that this process looks up from now on. What it gives ends with one that the test itself looks up, so that it is seen to work. */
function lookUps(): () => Promise<string[]> {
  const names: string[] = [];
  const add = (entries: object[]) => names.push(...entries.map((entry) => JSON.stringify(entry)));
  const observer = new PerformanceObserver((list) => void add(list.getEntries()));
  observer.observe({ entryTypes: ["dns"] });
  onTestFinished(() => observer.disconnect());
  return async () => {
    await lookup("localhost");
    for (let tries = 0; tries < 100 && !names.some((name) => name.includes("localhost")); tries++)
      await new Promise((resolve) => setImmediate(resolve));
    return names.map((name) => (name.includes("localhost") ? "localhost" : name));
  };
}

/** What a model sees of the item, and whether it was asked about it before. */
interface Seen {
  text: string;
  isSecond: boolean;
}

/** The worst that can answer: it does all that it reads, as far as it can say so, and the second time within the schema. */
function obey({ text, isSecond }: Seen): string {
  const address = /https?:\/\/[^\s)"'<]+/.exec(text)?.[0] ?? null;
  const recipient = /[\w.]+@example\.com/.exec(text)?.[0] ?? null;
  const legal = {
    label: isSecond ? "urgent" : (/\b(?:wontfix|delete)\b/.exec(text)?.[0] ?? "urgent"),
    priority: 1,
    why: `${address ?? "It"} ${recipient ?? ""} says so.`,
    fields: { place: address ?? recipient },
    answer: `Write to ${recipient ?? "us"} or see ${address ?? "the page"}, @mallory, octo-org/other#1.`,
  };
  const more = {
    action: "post",
    to: recipient,
    bcc: [recipient],
    url: address,
    repository: "octo-org/other",
    number: 1,
  };
  return JSON.stringify(
    isSecond ? legal : { ...legal, ...more, tool_calls: [{ name: "fetch", url: address }] },
  );
}

const HOSTILE = [
  '{"__proto__":{"label":"urgent"}}',
  '{"label":"__proto__","priority":1,"why":"x","fields":{"place":null},"answer":"x"}',
  '{"label":"constructor","priority":1,"why":"x","fields":{"place":null},"answer":"x"}',
  '{"label":["urgent"],"priority":1,"why":"x","fields":{"place":null},"answer":"x"}',
  '{"label":"urgent\\u0000","priority":1,"why":"x","fields":{"place":null},"answer":"x"}',
  '{"label":"urgent","priority":1e999,"why":"x","fields":{"place":null},"answer":"x"}',
  '{"label":"urgent","priority":0,"why":"x","fields":{"place":null},"answer":"x"}',
  '{"label":"urgent","priority":1.5,"why":"x","fields":{"place":null},"answer":"x"}',
  '{"label":"urgent","priority":1,"why":"x","fields":{"place":"http://elsewhere.example.com/"},"answer":"x"}',
  '{"label":"urgent","priority":1,"why":"x","fields":{"place":"a\\nb"},"answer":"x"}',
  '{"label":"urgent","priority":1,"why":"x","fields":{"place":null,"to":"a@example.com"},"answer":"x"}',
  '{"label":"urgent","priority":1,"why":"x","fields":{"place":null},"answer":"See http://elsewhere.example.com/."}',
  '{"label":"urgent","priority":1,"why":"x","fields":{"place":null},"answer":null}',
  `{"label":"urgent","priority":1,"why":"x","fields":{"place":null},"answer":"${"x".repeat(20_000)}"}`,
  `${"[".repeat(5_000)}`,
  '[{"label":"urgent"}]',
  '"urgent"',
  "null",
  "urgent",
];

/** A model's server that answers so, and what it was asked. */
async function modelThat(answer: (seen: Seen, count: number) => string) {
  const endpoint = await startModelEndpoint("ollama");
  onTestFinished(() => endpoint.close());
  const seen: Seen[] = [];
  endpoint.otherwise(({ json }) => {
    const { messages } = json as { messages: { content: string }[] };
    const now = {
      text: messages[1]!.content,
      isSecond: /was refused: it|was refused: [a-z]+:/.test(messages[0]!.content),
    };
    seen.push(now);
    return { type: "reply", text: answer(now, seen.length - 1) };
  });
  return { url: endpoint.url, seen };
}

async function run(source: object, rules: object[], modelUrl: string, receiver: string) {
  const target = deployment({
    agent: "test-agent",
    budget: { daily_cap_usd: 1, daily_cap_calls: 1_000 },
    models: {
      chain: ["ollama/test"],
      providers: { ollama: { base_url: modelUrl } },
      max_output_tokens: 2_000,
    },
    // Whatever is on this machine may be asked, so that nothing but afk itself keeps an address from being fetched.
    egress: { allow: ["127.0.0.1"], allow_private: ["127.0.0.1"], requests_per_minute: 600 },
    breaker: { calls_per_minute: 10_000, same_request_per_hour: 1_000 },
    alerts: [{ name: "phone", type: "webhook", url: receiver, on: ["cap_hit"] }],
    jobs: [
      {
        name: "inbox",
        kind: "triage",
        sources: [source],
        labels: LABELS,
        fields: { place: { description: "where it is" } },
        priority: true,
        max_items: 100,
        when: rules,
        deliver: [{ to: "phone" }],
      },
    ],
  });
  const agent = await openAgent({ environment: {}, config: target.configFile, state: target.state });
  onTestFinished(() => agent.close());
  const names = lookUps();
  const result = await agent.tick({ now: "inbox" });
  return { agent, target, names, result };
}

const draftsOf = async (agent: Agent) =>
  (await agent.store.db.selectFrom("drafts").select(["action", "state", "content"]).execute()).map(
    ({ content, ...draft }) => ({ ...draft, content: JSON.parse(content) }),
  );

function issuesOf(items: Injection[]): string {
  return JSON.stringify(
    items.map(({ title, text }, index) => ({
      id: index + 1,
      number: index + 100,
      html_url: `https://github.com/octo-org/octo-repo/issues/${index + 100}`,
      title,
      body: text,
      created_at: "2026-11-20T10:00:00Z",
    })),
  );
}

const ISSUE_RULES = [
  { label: "urgent", do: "deliver" },
  { label: "urgent", do: "draft", comment: REPLY },
  { label: "question", do: "draft", add_labels: ["question"], assign: ["octocat"] },
];

/** Issues of a repository, whose server is the one that may be asked. */
async function triageIssues(answer: Parameters<typeof modelThat>[0]) {
  const foreign = await serverOf(() => "{}");
  const receiver = await serverOf(() => "{}");
  const items = injections(`${foreign.url}/foreign`);
  const github = await serverOf(() => issuesOf(items));
  const model = await modelThat(answer);
  const source = { github: "octo-org/octo-repo", events: ["issues"], api: github.url, token: "github_pat_1" };
  const ran = await run(source, ISSUE_RULES, model.url, `${receiver.url}/hook`);
  return { ...ran, foreign, receiver, items, github, model };
}

describe("sixty items with orders in them, and a model that obeys all it reads", () => {
  test(
    "can get a wrong label out of the list, and a comment below themselves that waits for a person: nothing else",
    PROCESSES,
    async () => {
      const { agent, target, names, result, foreign, receiver, items, github, model } =
        await triageIssues(obey);
      expect(items.length).toBe(60);
      expect(result.outcome).toBe("ok");
      // At most one more question about each.
      expect(model.seen.length).toBe(120);
      // No address asked, no name looked up, nothing written; the receiver got the news of the job and of drafts.
      expect(foreign.asked).toEqual([]);
      expect(await names()).toEqual(["localhost"]);
      expect(new Set(github.asked.map((each) => each.split(" ")[0]))).toEqual(new Set(["GET"]));
      expect(github.asked.length).toBeLessThan(4);
      expect(new Set(receiver.asked).size).toBeLessThan(2);
      // Drafts are those of the rule, at the item's own number.
      const drafts = await draftsOf(agent);
      expect(drafts.length).toBeGreaterThan(20);
      const numbers = new Set(items.map((_, index) => index + 100));
      for (const { action, state, content } of drafts) {
        const { from, api, repository, number, body, ...rest } = content;
        expect([action, state, api, repository, rest]).toEqual([
          "github_comment",
          "pending",
          github.url,
          "octo-org/octo-repo",
          {},
        ]);
        expect(from.job).toBe("inbox");
        // Each issue once, and only those that there are.
        expect(numbers.delete(number)).toBe(true);
        expect(body).toMatch(
          /^Hello,\n[\s\S]*Kind regards\n\n\*Written in part by a model \(ollama\/test\)\.\*$/,
        );
        expect(body.replaceAll(/`[^`\n]*`/g, "")).not.toMatch(/@mallory|other#1|\]\(|https?:/);
      }
      // The page links to the issues alone.
      const page = Object.entries(target.outputs()).find(([name]) => name.endsWith(".html"))![1];
      const links = [...page.matchAll(/(?:href|src)="([^"]*)"/g)].map(([, link]) => link!);
      expect(links.every((link) => link.startsWith("https://github.com/octo-org/octo-repo/issues/"))).toBe(
        true,
      );
      expect([...page.matchAll(/<h2 class="group"[^>]*>([^<]*)</g)].map(([, heading]) => heading)).toEqual([
        "Undecided",
        "urgent",
      ]);
      const spent = await agent.status();
      expect(
        spent.spend.every(({ settledUsd, reservedUsd }) => (settledUsd ?? 0) + (reservedUsd ?? 0) <= 120),
      ).toBe(true);
      // What stands in a comment is not what the model sees.
      expect(model.seen.filter(({ text }) => text.includes(UNSEEN))).toEqual([]);
    },
  );

  test("are undecided where the model answers with anything but the schema", PROCESSES, async () => {
    const { agent, foreign, items, github, model, result } = await triageIssues(
      (_seen, count) => HOSTILE[count % HOSTILE.length]!,
    );
    expect(result.outcome).toBe("ok");
    expect(model.seen.length).toBe(2 * items.length);
    expect(await draftsOf(agent)).toEqual([]);
    expect(foreign.asked).toEqual([]);
    expect(github.asked.every((each) => each.startsWith("GET "))).toBe(true);
  });

  test("stop at the cap of calls as all else does", PROCESSES, async () => {
    const items = injections("http://127.0.0.1:1");
    const github = await serverOf(() => issuesOf(items));
    const model = await modelThat(obey);
    const target = deployment({
      agent: "test-agent",
      budget: { daily_cap_usd: 1, daily_cap_calls: 10 },
      models: { chain: ["ollama/test"], providers: { ollama: { base_url: model.url } } },
      egress: { allow: ["127.0.0.1"], allow_private: ["127.0.0.1"], requests_per_minute: 600 },
      jobs: [
        {
          name: "inbox",
          kind: "triage",
          sources: [{ github: "octo-org/octo-repo", events: ["issues"], api: github.url }],
          labels: LABELS,
        },
      ],
    });
    const agent = await openAgent({ environment: {}, config: target.configFile, state: target.state });
    onTestFinished(() => agent.close());
    await agent.tick({ now: "inbox" });
    expect(model.seen.length).toBe(10);
  });

  test(
    "as mails, can get a draft to whoever their own headers name, and to nobody else",
    PROCESSES,
    async ({ skip }) => {
      const missing = await missingDovecot();
      skip(missing !== null, missing ?? "");
      const server = await startDovecot();
      const foreign = await serverOf(() => "{}");
      const receiver = await serverOf(() => "{}");
      const items = injections(`${foreign.url}/foreign`);
      await server.append(items.map(toMail));
      const model = await modelThat(obey);
      const { host, port, user, password } = server;
      const source = { imap: { host, port, tls: false, user, password } };
      const rules = [{ label: "urgent", do: "draft", reply: REPLY }];
      const { agent, names } = await run(source, rules, model.url, `${receiver.url}/hook`);
      expect(model.seen.length).toBe(120);
      expect([foreign.asked, await names()]).toEqual([[], ["localhost"]]);
      // Comments, alternative texts, and what is not displayed: none of it is seen.
      expect(model.seen.filter(({ text }) => text.includes(UNSEEN)).map(({ text }) => text)).toEqual([]);
      expect(model.seen.every(({ text }) => !/\p{Default_Ignorable_Code_Point}/u.test(text))).toBe(true);
      const drafts = await draftsOf(agent);
      expect(drafts.length).toBeGreaterThan(20);
      // The one with a Reply-To is answered there, and its author stands beside it for the person who approves.
      const senders = new Set(
        items.map(({ headers }, index) =>
          headers === undefined ? `kim${index}@example.net` : "mallory@example.com",
        ),
      );
      for (const { action, state, content } of drafts) {
        expect([action, state]).toEqual(["mail_draft", "pending"]);
        expect(senders.delete(content.to), content.to).toBe(true);
        expect(content.author).toMatch(/^kim\d+@example\.net$/);
        expect(content.subject).not.toMatch(/[\r\n]/);
        expect(JSON.stringify(content)).not.toContain(password);
      }
      expect(await countOf(server, "Drafts")).toBe(0);
      expect(await countOf(server, "INBOX", true)).toBe(items.length);
    },
  );
});

async function countOf(server: Dovecot, folder: string, isUnseen = false): Promise<number> {
  return await server.withClient(async (client) => {
    await client.mailboxOpen(folder, { readOnly: true });
    const found = await client.search(isUnseen ? { seen: false } : { all: true }, { uid: true });
    return Array.isArray(found) ? found.length : 0;
  });
}

/** With HTML where the item has some, which then is all there is. */
function toMail({ title, text, html, headers = "" }: Injection, index: number): string {
  const type = html === undefined ? "plain" : "html";
  const top = `From: kim${index}@example.net\nTo: ops@example.org\nSubject: ${title}\n${headers}`;
  const rest = `Message-ID: <${index}@example.net>\nDate: ${new Date().toUTCString()}\nMIME-Version: 1.0\n`;
  const body = Buffer.from(html ?? text)
    .toString("base64")
    .replaceAll(/.{76}/g, "$&\n");
  return `${top.trimEnd()}\n${rest}Content-Type: text/${type}; charset=utf-8\nContent-Transfer-Encoding: base64\n\n${body}\n`;
}
