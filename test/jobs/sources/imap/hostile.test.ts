// @module-tag slow
import type { Socket } from "node:net";
import { describe, expect, it } from "vitest";
import { createConnect } from "../../../../src/egress/connect.ts";
import { readMailbox } from "../../../../src/egress/imap/read-mailbox.ts";
import { collectImap } from "../../../../src/jobs/sources/imap/imap.ts";
import type { ImapSource } from "../../../../src/jobs/sources/imap/settings.ts";
import { EXIT } from "../../../../src/lib/errors.ts";
import { fetched, type ImapScript, imapServer } from "../../../support/imap-server.ts";
import { fakeJob, type JobMemory } from "../../../support/job-context.ts";

const connect = createConnect({ allow: ["127.0.0.1"], allowPrivate: ["127.0.0.1"] });
const PASSWORD = "s3cret-word-of-mine";
const USER = "ops@example.org";
const MAIL =
  "From: ada@example.org\r\nSubject: Pump two\r\nMessage-ID: <1@example.org>\r\n\r\nIt is down.\r\n";
const DAY_MS = 86_400_000;

interface Options {
  uids?: number[];
  exists?: number;
  capabilities?: string;
  imap?: Partial<ImapSource["imap"]>;
  timeoutMs?: number;
  signal?: AbortSignal;
}

/** What comes of reading a server with this script. */
async function read(script: ImapScript, { imap, timeoutMs = 20_000, signal, ...mailbox }: Options = {}) {
  const server = await imapServer(script, mailbox);
  const source = {
    imap: {
      host: "127.0.0.1",
      port: server.port,
      tls: false,
      user: USER,
      password: PASSWORD,
      mailbox: "INBOX",
      max_age: 7 * DAY_MS,
      ...imap,
    },
  } satisfies ImapSource;
  const run = (memory?: JobMemory) => {
    const job = fakeJob(null, {
      egress: {
        openMailbox: (access, aborted) => readMailbox(access, { connect, signal: aborted, timeoutMs }),
      },
      slotMs: Date.UTC(2026, 10, 21, 6),
      ...(signal && { signal }),
      ...(memory && { memory }),
    });
    return { job, collected: collectImap(source, job.context) };
  };
  return { server, run, ...run() };
}

async function failure(script: ImapScript, options: Options = {}) {
  const { collected, server } = await read(script, options);
  const error = await collected.then(
    () => null,
    (thrown) => thrown,
  );
  expect(error?.message ?? "").not.toContain(PASSWORD);
  return { error, server };
}

/** Sends a piece for ever, as fast as the other side takes it. */
function endlessly(socket: Socket, piece: string | Buffer): void {
  const more = () => {
    while (!socket.destroyed && socket.write(piece));
    if (!socket.destroyed) socket.once("drain", more);
  };
  more();
}

describe("what is said to a mail server", () => {
  it("changes nothing: no command but those that look, and every text by PEEK", async () => {
    const { server, collected } = await read({
      "UID FETCH": ({ tag, say }) => say(`${fetched(1, MAIL)}\r\n${tag} OK`),
    });
    expect((await collected).items).toMatchObject([{ title: "Pump two" }]);
    const names = server.commands.map((command) => /^(?:UID )?\S+/.exec(command)?.[0] ?? "");
    const looking = "CAPABILITY NAMESPACE LOGIN LIST LSUB EXAMINE LOGOUT".split(" ");
    expect(names.filter((name) => ![...looking, "UID SEARCH", "UID FETCH"].includes(name))).toEqual([]);
    expect(names).toContain("EXAMINE");
    for (const command of server.commands.filter((each) => each.includes("BODY")))
      expect(command).toContain("BODY.PEEK[");
    expect(server.commands.join("\n")).not.toMatch(
      /SELECT|STORE|APPEND|COPY|MOVE|EXPUNGE|DELETE|RENAME|CREATE|IDLE|COMPRESS/,
    );
  });

  it("is no password where TLS was wanted and is not offered, or the server says that all are logged in", async () => {
    const stripped = await failure({}, { imap: { tls: "starttls" } });
    expect(stripped.error).toMatchObject({ code: "egress_mailbox_refused", message: /offers no STARTTLS/ });
    const preauth = await failure(
      { GREETING: ({ say }) => say("* PREAUTH welcome") },
      { imap: { tls: "starttls" } },
    );
    expect(preauth.error).toMatchObject({ code: "egress_mailbox_refused" });
    for (const { server } of [stripped, preauth])
      expect(server.commands.join("\n")).not.toMatch(/LOGIN|AUTHENTICATE/);
  });

  it("goes to no host that is not allowed, and to no address that may not be connected to", async () => {
    const server = await imapServer();
    const open = (allow: string[], allowPrivate: string[], address: string) =>
      readMailbox(
        {
          host: "mail.example.org",
          port: server.port,
          tls: false,
          user: USER,
          password: PASSWORD,
          mailbox: "INBOX",
        },
        {
          connect: createConnect({ allow, allowPrivate }, async () => [{ address, family: 4 }]),
          signal: new AbortController().signal,
        },
      );
    await expect(open([], [], "127.0.0.1")).rejects.toMatchObject({
      code: "egress_refused",
      message: /egress\.allow/,
    });
    await expect(open(["mail.example.org"], [], "127.0.0.1")).rejects.toMatchObject({
      code: "egress_refused",
      message: /allow_private/,
    });
    await expect(open(["mail.example.org"], ["mail.example.org"], "169.254.169.254")).rejects.toMatchObject({
      code: "egress_refused",
    });
    expect(server.commands).toEqual([]);
    const allowed = await open(["mail.example.org"], ["mail.example.org"], "127.0.0.1");
    await allowed[Symbol.asyncDispose]();
    expect(server.commands).toContain("LOGOUT");
  });
});

describe("a mail server that refuses", () => {
  it("the login is named with what to do, without what was sent", async () => {
    const no = (text: string): ImapScript => ({ LOGIN: ({ tag, say }) => say(`${tag} NO ${text}`) });
    const { error } = await failure(no(`[AUTHENTICATIONFAILED] ${PASSWORD} of ${USER} is wrong`));
    expect(error).toMatchObject({ code: "egress_mailbox_refused", exitCode: EXIT.failed });
    expect(error.message).toMatch(/^127\.0\.0\.1 refuses user or password \(.*is wrong/);
    expect(error.message).not.toContain(USER);
    const later = await failure(no("[UNAVAILABLE] come back"));
    expect(later.error).toMatchObject({ code: "egress_failed", exitCode: EXIT.unavailable });
  });

  it("the folder, or a search, is named", async () => {
    const { error } = await failure({
      EXAMINE: ({ tag, say }) => say(`${tag} NO no such thing`),
      LIST: ({ tag, say }) => say(`${tag} OK`),
    });
    expect(error).toMatchObject({ code: "egress_mailbox_refused", message: /has no folder "INBOX"/ });
    const search = await failure({ "UID SEARCH": ({ tag, say }) => say(`${tag} NO not today`) });
    expect(search.error).toMatchObject({ code: "egress_mailbox_refused", message: /refuses to search/ });
  });

  it("one mail of several leaves the others", async () => {
    const { collected } = await read(
      { "UID FETCH": ({ tag, say }) => say(`${fetched(2, MAIL)}\r\n${tag} NO some could not be read`) },
      { uids: [1, 2] },
    );
    expect((await collected).items).toHaveLength(1);
  });

  it("mails for now has them asked for again, and that is said", async () => {
    const mail = (uid: number) => fetched(uid, MAIL.replace("<1@", `<${uid}@`));
    let isWell = false;
    const { collected, run, job } = await read(
      {
        "UID FETCH": ({ tag, say }) =>
          say(isWell ? `${mail(1)}\r\n${tag} OK` : `${mail(2)}\r\n${tag} NO [LIMIT] rate limit hit`),
      },
      { uids: [1, 2] },
    );
    expect((await collected).notes).toEqual([
      "1 mail not read, as the server refused; the next run asks again",
    ]);
    isWell = true;
    const again = run(job.finish());
    expect(await again.collected).toMatchObject({ items: [{ title: "Pump two" }], notes: [] });
    // What came is not asked for any more once the job has had it; what came late is.
    const memory = again.job.finish();
    expect([...(memory.kept?.values() ?? [])].join()).toContain('"lastUid":2,"offered":[[1,');
  });

  it("to talk, or breaks off, is down", async () => {
    for (const script of [
      { GREETING: ({ socket }) => void socket.end("* BYE too busy\r\n") },
      { GREETING: ({ socket }) => socket.resetAndDestroy() },
      { "UID SEARCH": ({ socket }) => socket.destroy() },
      { "UID FETCH": ({ socket }) => void socket.end("* 1 FETCH (UID 1 BODY[]<0> {500}\r\nFrom: a") },
    ] satisfies ImapScript[])
      expect((await failure(script)).error).toMatchObject({
        code: "egress_failed",
        exitCode: EXIT.unavailable,
      });
    await expect(
      readMailbox(
        { host: "127.0.0.1", port: 1, tls: false, user: USER, password: PASSWORD, mailbox: "INBOX" },
        { connect, signal: new AbortController().signal },
      ),
    ).rejects.toMatchObject({ exitCode: EXIT.unavailable, message: /nothing listens at that port/ });
  });
});

describe("a mail server that means harm", () => {
  it.each([
    [
      "announces a text without end",
      { "UID FETCH": ({ say }) => say("* 1 FETCH (UID 1 BODY[] {99999999999}") },
      /sent more than it was asked for/,
    ],
    [
      "announces one just beyond the bound",
      { "UID FETCH": ({ say }) => say("* 1 FETCH (UID 1 BODY[] {1048577}") },
      /sent more than it was asked for/,
    ],
    [
      "begins with a line without end",
      { GREETING: ({ socket }) => endlessly(socket, "x".repeat(65_536)) },
      /longer line than any mail server/,
    ],
    [
      "answers with a line without end",
      { "UID SEARCH": ({ socket }) => endlessly(socket, "* SEARCH 1 ".padEnd(65_536, "1 ")) },
      /longer line than any mail server/,
    ],
    [
      "answers with a million brackets",
      { "UID FETCH": ({ socket }) => socket.write(`* 1 FETCH ${"(".repeat(1_000_000)}\r\n`) },
      /./,
    ],
    [
      "answers with tokens without end",
      { "UID FETCH": ({ socket }) => socket.write(`* 1 FETCH (${"a ".repeat(1_000_000)})\r\n`) },
      /./,
    ],
    [
      "answers with texts without end",
      { "UID FETCH": ({ socket }) => endlessly(socket, `${"{100000}\r\n".padEnd(100_010, "x")} `) },
      /./,
    ],
    ["answers in another protocol", { GREETING: ({ say }) => say("HTTP/1.1 400 Bad Request") }, /./],
  ] satisfies [string, ImapScript, RegExp][])(
    "%s: it is left, in bounded time and memory",
    async (_what, script, words) => {
      const before = process.memoryUsage().rss;
      const { error } = await failure(script, { timeoutMs: 5_000 });
      expect(error).toMatchObject({ code: /^egress_/, message: words });
      expect((process.memoryUsage().rss - before) / 1024 / 1024).toBeLessThan(200);
    },
  );

  it("says something for ever and answers nothing: it is left when the time is over", async () => {
    const floods: ImapScript[] = [
      { LOGIN: ({ socket }) => endlessly(socket, "* 5 EXISTS\r\n".repeat(1_000)) },
      { "UID SEARCH": ({ socket }) => endlessly(socket, `* SEARCH ${"1 2 3 4 5 6 7 ".repeat(500)}\r\n`) },
      { "UID FETCH": ({ socket }) => endlessly(socket, `${fetched(1, MAIL)}\r\n`.repeat(100)) },
      { CAPABILITY: () => undefined },
      { "UID FETCH": ({ socket }) => socket.write("* 1 FETCH (UID 1 BODY[]<0> {100}\r\nFrom") },
    ];
    for (const script of floods) {
      const startedMs = performance.now();
      const { error } = await failure(script, { timeoutMs: 1_000 });
      expect(error).toMatchObject({ code: /^egress_/ });
      expect(performance.now() - startedMs).toBeLessThan(8_000);
    }
  });

  it("is left at once when the job is stopped, with the reason of that", async () => {
    const stop = new AbortController();
    const { collected } = await read(
      { "UID SEARCH": () => stop.abort(new Error("stopped by a person")) },
      { signal: stop.signal },
    );
    await expect(collected).rejects.toThrow("stopped by a person");
  });

  it("lies about numbers, sizes and mails: what was asked for is read, once", async () => {
    const other = MAIL.replaceAll("Pump two", "Not asked for").replace("1@example", "2@example");
    const { collected } = await read(
      {
        "UID FETCH": ({ tag, say, args }) =>
          say(
            [
              fetched(77, other),
              fetched(1, args.includes("<0.") ? MAIL : "", { size: 4_000_000_000 }),
              fetched(1, other),
              `* 3 FETCH (FLAGS (\\Seen))`,
              `* 4294967295 EXISTS`,
              `${tag} OK`,
            ].join("\r\n"),
          ),
      },
      { uids: [1], exists: 4_294_967_295 },
    );
    const { items } = await collected;
    expect(items.map(({ title }) => title)).toEqual(["Pump two"]);
  });

  it("has a million mails: the newest are read", async () => {
    const uids = Array.from({ length: 500_000 }, (_, at) => at + 1);
    const asked: string[] = [];
    const { collected } = await read(
      {
        "UID FETCH": ({ tag, say, args }) => {
          asked.push(args);
          say(`${fetched(500_000, MAIL)}\r\n${tag} OK`);
        },
      },
      { uids },
    );
    const { items, notes } = await collected;
    expect(items).toHaveLength(1);
    expect(notes).toEqual([
      "only the newest 200 mails were read, not the 499800 before them (max_items can be raised)",
    ]);
    expect(asked[0]).toMatch(/^500000,499999,/);
    expect(asked).toHaveLength(10);
  });

  it("sends mails of ten thousand nested parts, of headers alone and of nothing", async () => {
    const nested = Array.from(
      { length: 10_000 },
      (_, at) => `--b${at}\r\nContent-Type: multipart/mixed; boundary=b${at + 1}\r\n\r\n`,
    ).join("");
    const mails = [
      `From: a@example.org\r\nSubject: Nested\r\nContent-Type: multipart/mixed; boundary=b0\r\n\r\n${nested}`.slice(
        0,
        60_000,
      ),
      `Subject: ${"x".repeat(60_000)}\r\n\r\n`,
      `From: ${"<".repeat(30_000)}\r\nReferences: ${"<".repeat(30_000)}\r\n\r\nText\r\n`,
      "",
      "\0\0\0\0",
    ];
    const startedMs = performance.now();
    const { collected } = await read(
      {
        "UID FETCH": ({ tag, say }) =>
          say(`${mails.map((mail, at) => fetched(at + 1, mail)).join("\r\n")}\r\n${tag} OK`),
      },
      { uids: [1, 2, 3, 4, 5] },
    );
    const { items, notes } = await collected;
    expect(items.map(({ title }) => title)).toContain("Nested");
    expect(notes).toEqual([
      "left out a mail: it has no mail headers",
      "left out a mail: it has no mail headers",
    ]);
    expect(performance.now() - startedMs).toBeLessThan(5_000);
  });
});
