// @module-tag processes
import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, it } from "vitest";
import { dayIn } from "../../src/lib/days.ts";
import { deployment, PROCESSES } from "../support/afk.ts";
import { contentServer } from "../support/content-server.ts";
import { missingDovecot, startDovecot } from "../support/dovecot.ts";

const EXAMPLE = new URL("../../examples/brief/afk.yaml", import.meta.url);
const ZONE = "Europe/Berlin";

let missing: string | null = null;
beforeAll(async () => {
  missing = await missingDovecot();
}, 300_000);

/** `20261121`, so many days from now in the agent's zone. */
const day = (ahead: number) =>
  new Date(Date.parse(`${dayIn(Date.now(), ZONE)}T00:00:00Z`) + ahead * 86_400_000)
    .toISOString()
    .slice(0, 10)
    .replaceAll("-", "");

const event = (uid: string, ahead: number, hour: string, rest: string) =>
  `BEGIN:VEVENT\r\nUID:${uid}\r\nDTSTART;TZID=${ZONE}:${day(ahead)}T${hour}00\r\nDURATION:PT30M\r\n${rest}\r\nEND:VEVENT\r\n`;

const mail = (subject: string, body: string) =>
  `From: Ada Example <ada@example.org>\nTo: you@example.org\nSubject: ${subject}\nMessage-ID: <${subject.length}@example.org>\nDate: ${new Date().toUTCString()}\n\n${body}\n`;

const FEED = `<rss version="2.0"><channel><title>Harbour News</title><item><title>The crane is back</title>
  <link>https://news.example.org/crane</link><guid>crane-1</guid><description>The old crane works again.</description></item></channel></rss>`;

describe("the example of a brief", () => {
  it("lists events, mails and news on one page for nothing, each once", PROCESSES, async (test) => {
    if (missing !== null) return test.skip(missing);
    const server = await startDovecot();
    await server.append([mail("Pump two", "Pump two is down again. Somebody should look at it.")]);
    const calendar = `BEGIN:VCALENDAR\r\nVERSION:2.0\r\n${event("2", 1, "0900", "SUMMARY:Dentist")}${event("1", 0, "2330", "SUMMARY:Late call\r\nLOCATION:Room 4")}END:VCALENDAR\r\n`;
    const site = await contentServer({
      "/private-0123456789abcdef/basic.ics": calendar,
      "/feed.xml": FEED,
    });
    const target = deployment(
      readFileSync(EXAMPLE, "utf8")
        .replace(
          "[calendar.example.org, imap.example.org, hnrss.org]",
          "[127.0.0.1]\n  allow_private: [127.0.0.1]",
        )
        .replace(
          "host: imap.example.org",
          `host: ${server.host}\n          port: ${server.port}\n          tls: false`,
        )
        .replace("you@example.org", server.user)
        .replace("https://hnrss.org/frontpage", `${site.origin}/feed.xml`),
    );
    const environment = {
      MAIL_PASSWORD: server.password,
      CALENDAR_URL: `${site.origin}/private-0123456789abcdef/basic.ics`,
    };
    const doctor = await target.afk(["doctor"], environment);
    expect(doctor.stdout).toMatch(/INBOX at 127\.0\.0\.1 can be read/);

    const first = await target.afk(["tick", "--now", "brief"], environment);
    expect(first).toMatchObject({ code: 0 });
    const page = Object.entries(target.outputs()).find(([name]) => name.endsWith(".md"))?.[1] ?? "";
    const order = ["## Calendar", "23:30–00:00 Late call, Room 4", "09:00–09:30 Dentist", "## "].map((text) =>
      page.indexOf(text),
    );
    expect(page).toContain("Ada Example: Pump two");
    expect(page).toContain("Pump two is down again.");
    expect(page).toContain("The crane is back");
    expect(page).not.toMatch(/Failing sources|Left out/);
    expect(order.slice(0, 3)).toEqual(order.slice(0, 3).toSorted((a, b) => a - b));
    expect(order[0]).toBe(order[3]);
    expect(target.query("select coalesce(sum(cost_micros), 0) as micros from ledger")).toEqual([
      { micros: 0 },
    ]);

    const second = await target.afk(["tick", "--now", "brief"], environment);
    expect(second.stdout).toContain("no new items");
    const told =
      [first, second, doctor].map(({ stdout, stderr }) => stdout + stderr).join() +
      JSON.stringify(target.logs());
    for (const secret of [server.password, "private-0123456789abcdef"]) expect(told).not.toContain(secret);
    await server.withClient(async (client) => {
      await client.mailboxOpen("INBOX", { readOnly: true });
      const [message] = await client.fetchAll("1:*", { flags: true });
      expect([...(message?.flags ?? [])]).not.toContain("\\Seen");
    });
  });
});
