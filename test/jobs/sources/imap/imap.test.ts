// @module-tag processes
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import { beforeAll, describe, expect, it, onTestFinished, type TestContext } from "vitest";
import { createConnect } from "../../../../src/egress/connect.ts";
import type { MailAccess } from "../../../../src/egress/imap/access.ts";
import { openMailbox } from "../../../../src/egress/imap/open-mailbox.ts";
import { readMailbox } from "../../../../src/egress/imap/read-mailbox.ts";
import { collectImap } from "../../../../src/jobs/sources/imap/imap.ts";
import type { ImapSource } from "../../../../src/jobs/sources/imap/settings.ts";
import { EXIT } from "../../../../src/lib/errors.ts";
import { type Dovecot, missingDovecot, startDovecot } from "../../../support/dovecot.ts";
import { fakeJob, type JobMemory } from "../../../support/job-context.ts";

const connect = createConnect({ allow: ["127.0.0.1"], allowPrivate: ["127.0.0.1"] });
/** The name in the server's certificate, and nothing else on the network. */
const connectByName = createConnect(
  { allow: ["mail.example.org"], allowPrivate: ["mail.example.org"] },
  async () => [{ address: "127.0.0.1", family: 4 }],
);
const NOW_MS = Date.UTC(2026, 10, 21, 6);
const DAY_MS = 24 * 60 * 60_000;
const DATE = new Date(NOW_MS - DAY_MS);
const signal = new AbortController().signal;

let missing: string | null = null;
beforeAll(async () => {
  missing = await missingDovecot();
}, 300_000);

async function dovecot(test: TestContext, options?: Parameters<typeof startDovecot>[0]): Promise<Dovecot> {
  if (missing !== null) return test.skip(missing);
  return await startDovecot(options);
}

function access({ host, port, user, password }: Dovecot, more: Partial<MailAccess> = {}): MailAccess {
  return { host, port, tls: false, user, password, mailbox: "INBOX", ...more };
}

function source(server: Dovecot, more: Partial<ImapSource["imap"]> = {}, rest: Partial<ImapSource> = {}) {
  return { imap: { ...access(server), max_age: 7 * DAY_MS, ...more }, ...rest } satisfies ImapSource;
}

async function collect(from: ImapSource, memory?: JobMemory) {
  const job = fakeJob(null, {
    egress: { openMailbox: (where, aborted) => readMailbox(where, { connect, signal: aborted }) },
    slotMs: NOW_MS,
    ...(memory && { memory }),
  });
  const { items, notes } = await collectImap(from, job.context);
  return { items, notes, titles: items.map(({ title }) => title), job };
}

const mail = (subject: string, body = `Text of ${subject}.`, headers = "") =>
  `From: Ada Example <ada@example.org>\nTo: ops@example.org\nSubject: ${subject}\nMessage-ID: <${subject.replaceAll(" ", "-")}@example.org>\nDate: Fri, 20 Nov 2026 10:00:00 +0000\n${headers}\n${body}\n`;

describe("a mailbox", () => {
  it("gives its mails as items, with sender, date, own text and where they can be answered", async (test) => {
    const server = await dovecot(test);
    const quoted =
      "It is down again.\n\nOn Thu, 19 Nov 2026, Ops <ops@example.org> wrote:\n> Is it up?\n> Tell me.\n-- \nAda\n";
    const headers =
      "Reply-To: =?utf-8?q?evil=40example=2Ecom?= <desk@example.org>\nReferences: <a@example.org>\n <b@example.org>\n";
    await server.append([mail("Pump two", quoted, headers)], { date: DATE });
    const { items, notes } = await collect(source(server));
    expect(notes).toEqual([]);
    expect(items).toMatchObject([
      {
        title: "Pump two",
        source: "Ada Example",
        text: "It is down again.",
        publishedAt: Date.UTC(2026, 10, 20, 10),
        origin: {
          type: "mail",
          messageId: "<Pump-two@example.org>",
          references: ["<a@example.org>", "<b@example.org>"],
          from: "ada@example.org",
          replyTo: "desk@example.org",
          subject: "Pump two",
        },
      },
    ]);
    const named = await collect(source(server, {}, { name: "Mail" }));
    expect(named.items).toMatchObject([
      { title: "Ada Example: Pump two", source: "Mail", key: items[0]?.key },
    ]);
  });

  it("is the same afterwards: flags, numbers, and what was delivered just now", async (test) => {
    const server = await dovecot(test);
    await server.append([mail("Unread"), mail("Large", "x".repeat(300_000))], { date: DATE });
    await server.append([mail("Read and flagged")], { date: DATE, flags: ["\\Seen", "\\Flagged", "mine"] });
    server.deliver([mail("Just delivered")], DATE.getTime());
    const look = () =>
      server.withClient(async (client) => {
        const status = await client.status("INBOX", {
          messages: true,
          unseen: true,
          uidNext: true,
          uidValidity: true,
          recent: true,
        });
        await client.mailboxOpen("INBOX", { readOnly: true });
        const flags: Record<number, string[]> = {};
        for await (const { uid, flags: each } of client.fetch("1:*", { uid: true, flags: true }))
          flags[uid] = [...(each ?? [])].toSorted();
        return { status, flags };
      });
    // Dovecot takes what was delivered into its index at the first look, whoever looks.
    await look();
    const before = await look();
    const { titles } = await collect(source(server));
    expect(titles.toSorted()).toEqual(["Just delivered", "Large", "Read and flagged", "Unread"]);
    expect(await look()).toEqual(before);
    expect(Object.values(before.flags).flat()).not.toEqual([]);
  });

  it("is asked only for what came since, and gives again what the job had no room for", async (test) => {
    const server = await dovecot(test);
    await server.append([mail("One"), mail("Two"), mail("Three")], { date: DATE });
    const first = await collect(source(server));
    expect(first.titles.toSorted()).toEqual(["One", "Three", "Two"]);
    // The job took two of them.
    first.job.context.remember(first.items.filter(({ title }) => title !== "Two").map(({ key }) => key));
    const memory = first.job.finish();
    expect((await collect(source(server), memory)).titles).toEqual(["Two"]);
    await server.append([mail("Four")], { date: DATE });
    expect((await collect(source(server), memory)).titles.toSorted()).toEqual(["Four", "Two"]);
  });

  it("whose numbers changed is read as at first, and its mails are known", async (test) => {
    const server = await dovecot(test);
    const fill = async () => {
      await server.withClient((client) => client.mailboxCreate("Lists/Über uns"));
      await server.append([mail("One"), mail("Two")], { mailbox: "Lists/Über uns", date: DATE });
    };
    await fill();
    const from = source(server, { mailbox: "Lists/Über uns" });
    const first = await collect(from);
    first.job.context.remember(first.items.map(({ key }) => key));
    const memory = first.job.finish();
    expect((await collect(from, memory)).titles).toEqual([]);
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    await server.withClient((client) => client.mailboxDelete("Lists/Über uns"));
    await fill();
    const again = await collect(from, memory);
    const isSeen = await again.job.context.isSeen(again.items.map(({ key }) => key));
    expect(again.titles.toSorted()).toEqual(["One", "Two"]);
    expect(isSeen.size).toBe(2);
  });

  it("leaves out what is old, deleted, a draft or, where that is wanted, read; and says what else it left out", async (test) => {
    const server = await dovecot(test);
    await server.append([mail("Old")], { date: new Date(NOW_MS - 8 * DAY_MS) });
    await server.append([mail("Deleted")], { date: DATE, flags: ["\\Deleted"] });
    await server.append([mail("Draft")], { date: DATE, flags: ["\\Draft"] });
    await server.append([mail("Read")], { date: DATE, flags: ["\\Seen"] });
    await server.append([mail("First"), mail("Second"), mail("Third", "y ".repeat(200_000))], { date: DATE });
    expect((await collect(source(server))).titles.toSorted()).toEqual(["First", "Read", "Second", "Third"]);
    expect((await collect(source(server, { unseen: true }))).titles.toSorted()).toEqual([
      "First",
      "Second",
      "Third",
    ]);
    const few = await collect(source(server, { max_bytes: 2048 }, { max_items: 2 }));
    expect(few.titles.toSorted()).toEqual(["Second", "Third"]);
    expect(few.notes).toEqual([
      "only the newest 2 mails were read, not the 5 before them (max_items can be raised)",
      "only the first 2048 bytes of 1 mail were read (max_bytes can be raised)",
    ]);
  });

  it("of twenty thousand mails costs one search for the few that are new", async (test) => {
    const server = await dovecot(test);
    server.deliver(
      Array.from({ length: 20_000 }, (_, at) => mail(`Mail ${at}`)),
      DATE.getTime(),
    );
    const first = await collect(source(server, { max_age: 366 * DAY_MS }));
    expect(first.items).toHaveLength(200);
    first.job.context.remember(first.items.map(({ key }) => key));
    const memory = first.job.finish();
    await server.append([mail("New")], { date: DATE });
    const startedMs = performance.now();
    expect((await collect(source(server, { max_age: 366 * DAY_MS }), memory)).titles).toEqual(["New"]);
    expect(performance.now() - startedMs).toBeLessThan(5_000);
  }, 120_000);
});

describe("signing in", () => {
  it("is by TLS whose certificate is for the server, from the first byte or by STARTTLS", async (test) => {
    const server = await dovecot(test);
    const secured: Partial<MailAccess>[] = [
      { host: "mail.example.org", port: server.securePort, tls: true },
      { host: "mail.example.org", port: server.port, tls: "starttls" },
    ];
    const open = (more: Partial<MailAccess>) =>
      readMailbox(access(server, more), { connect: connectByName, signal });
    for (const each of secured)
      await expect(open(each)).rejects.toMatchObject({
        exitCode: EXIT.unavailable,
        message: /NODE_EXTRA_CA_CERTS/,
      });
    const before = getCACertificates("default");
    onTestFinished(() => setDefaultCACertificates(before));
    setDefaultCACertificates([...before, server.ca]);
    for (const each of secured) {
      await using mailbox = await open(each);
      expect(mailbox.exists).toBe(0);
    }
    const elsewhere = readMailbox(access(server, { port: server.securePort, tls: true }), {
      connect,
      signal,
    });
    await expect(elsewhere).rejects.toMatchObject({ message: /its certificate is for another name/ });
    const plain = readMailbox(access(server, { tls: true }), { connect, signal });
    await expect(plain).rejects.toMatchObject({ message: /does not begin with TLS on that port/ });
  });

  it("by a password that is wrong, or into a folder that is not there, says so", async (test) => {
    const server = await dovecot(test);
    const wrong = readMailbox(access(server, { password: "wrong-word" }), { connect, signal });
    await expect(wrong).rejects.toMatchObject({
      code: "egress_mailbox_refused",
      message: /refuses user or password/,
    });
    const nowhere = readMailbox(access(server, { mailbox: "Nowhere" }), { connect, signal });
    await expect(nowhere).rejects.toMatchObject({
      code: "egress_mailbox_refused",
      message: /has no folder "Nowhere"/,
    });
  });

  it("by a token of OAuth 2.0 is XOAUTH2 or OAUTHBEARER", async (test) => {
    const tokens = createServer((request, response) => {
      const isRight = request.url?.endsWith("right-token-1") === true;
      response.writeHead(isRight ? 200 : 401, { "content-type": "application/json" });
      response.end(isRight ? JSON.stringify({ email: "ops@example.org", active: true }) : "{}");
    });
    await new Promise<void>((resolve) => tokens.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => void tokens.close());
    const tokeninfoUrl = `http://127.0.0.1:${(tokens.address() as AddressInfo).port}/?token=`;
    const server = await dovecot(test, { tokeninfoUrl });
    const by = (token: string) =>
      readMailbox(access(server, { password: undefined, access_token: token }), { connect, signal });
    await using mailbox = await by("right-token-1");
    expect(mailbox.exists).toBe(0);
    await expect(by("wrong-token-2")).rejects.toMatchObject({
      code: "egress_mailbox_refused",
      message: /refuses the access token, which may have run out/,
    });
  });
});

it("a mailbox that is open takes a draft by its name, and changes no flag", async (test) => {
  const server = await dovecot(test);
  const open = () => openMailbox(access(server, { mailbox: "Drafts" }), { connect, signal });
  await using first = await open();
  await first.client.append("Drafts", mail("A reply").replaceAll("\n", "\r\n"), ["\\Draft"]);
  await using opened = await open();
  expect(opened.mailbox).toMatchObject({ exists: 1, readOnly: true });
  expect(await opened.client.messageFlagsAdd("1", ["\\Seen"])).toBe(false);
});
