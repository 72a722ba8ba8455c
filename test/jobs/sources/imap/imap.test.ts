// @module-tag processes
import { beforeAll, describe, expect, it } from "vitest";
import { createConnect } from "../../../../src/egress/connect.ts";
import { readMailbox } from "../../../../src/egress/imap/read-mailbox.ts";
import { collectImap } from "../../../../src/jobs/sources/imap/imap.ts";
import type { ImapSource } from "../../../../src/jobs/sources/imap/settings.ts";
import { type Dovecot, missingDovecot, startDovecot } from "../../../support/dovecot.ts";
import { fakeJob, type JobMemory } from "../../../support/job-context.ts";

const connect = createConnect({ allow: ["127.0.0.1"], allowPrivate: ["127.0.0.1"] });
const NOW_MS = Date.UTC(2026, 10, 21, 6);
const DAY_MS = 24 * 60 * 60_000;

function source(server: Dovecot, more: Partial<ImapSource["imap"]> = {}, rest: Partial<ImapSource> = {}) {
  const { host, port, user, password } = server;
  const imap = { host, port, tls: false, user, password, mailbox: "INBOX", max_age: 7 * DAY_MS, ...more };
  return { imap, ...rest } satisfies ImapSource;
}

async function collect(from: ImapSource, memory?: JobMemory) {
  const job = fakeJob(null, {
    egress: { openMailbox: (access, signal) => readMailbox(access, { connect, signal }) },
    slotMs: NOW_MS,
    ...(memory && { memory }),
  });
  const collected = await collectImap(from, job.context);
  return { ...collected, titles: collected.items.map(({ title }) => title), job };
}

const mail = (subject: string, more = "") =>
  `From: Ada Example <ada@example.org>\nTo: ops@example.org\nSubject: ${subject}\nMessage-ID: <${subject.replaceAll(" ", "-")}@example.org>\nDate: Fri, 20 Nov 2026 10:00:00 +0000\n${more}\nText of ${subject}.\n`;
const DATE = new Date(NOW_MS - DAY_MS);

let missing: string | null = null;
beforeAll(async () => {
  missing = await missingDovecot();
}, 300_000);

describe("a mailbox", () => {
  it("gives its mails as items, with sender, date, own text and where they can be answered", async (test) => {
    if (missing !== null) return test.skip(missing);
    const server = await startDovecot();
    await server.append([mail("Pump two is down")], { date: DATE });
    const { items, notes } = await collect(source(server));
    expect(notes).toEqual([]);
    expect(items).toMatchObject([{ title: "Pump two is down", source: "Ada Example" }]);
  });
});
