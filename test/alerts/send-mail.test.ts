// @module-tag processes
import { describe, expect, test } from "vitest";
import type { ChannelConfig } from "../../src/alerts/channels/channel.ts";
import type { MailAccount } from "../../src/alerts/channels/email.ts";
import type { AlertPayload } from "../../src/alerts/events.ts";
import { sendAlert } from "../../src/alerts/send.ts";
import { certificate } from "../support/certificate.ts";
import { type SmtpOptions, smtpServer } from "../support/smtp-server.ts";
import { samplePayload } from "./payload.ts";

const PASSWORD = "correct-horse-battery";

function channel(
  port: number,
  mail: Partial<MailAccount> = {},
  scheme = "smtp",
  host = "127.0.0.1",
): ChannelConfig {
  const account = {
    from: "afk@example.org",
    to: ["ops@example.org"],
    user: "afk",
    password: PASSWORD,
    isTlsRequired: true,
    ...mail,
  };
  return {
    type: "email",
    url: `${scheme}://${host}:${port}`,
    name: "email",
    on: null,
    template: null,
    settings: account,
  };
}

function send(config: ChannelConfig, payload: Partial<AlertPayload> = {}, timeoutMs = 5_000) {
  const signal = new AbortController().signal;
  return sendAlert(samplePayload(payload), config, { signal, timeoutMs, nowMs: 0 });
}

/** What a server with these habits makes of one alert. */
async function sentTo(options: SmtpOptions, mail: Partial<MailAccount> = {}, timeoutMs = 5_000) {
  const { port, sessions } = await smtpServer(options);
  return { ...(await send(channel(port, mail), {}, timeoutMs)), session: sessions[0] };
}

describe("an e-mail", () => {
  test("is handed in as plain text that says whose alert it is, how bad, and what happened", async () => {
    const { result, status, session } = await sentTo({}, { to: ["ops@example.org", "me@example.org"] });
    expect({ result, status }).toEqual({ result: { ok: true }, status: 250 });
    expect(session?.commands.map((line) => line.split(" ")[0])).toEqual(
      expect.arrayContaining(["EHLO", "AUTH", "MAIL", "RCPT", "DATA"]),
    );
    expect(session?.commands.filter((line) => line.startsWith("RCPT"))).toHaveLength(2);
    const [head = "", body = ""] = session?.message?.split("\r\n\r\n") ?? [];
    expect(head).toContain("Subject: [warn] morning-digest: The day's cap is reached");
    expect(head).toContain("To: ops@example.org, me@example.org");
    expect(head).toMatch(/content-type: text\/plain/i);
    expect(head).toContain("Auto-Submitted: auto-generated");
    expect(body.replaceAll("=\r\n", "")).toContain("No model call was made.");
  });

  test("has the same id at every try, and another alert has another", async () => {
    const { port, sessions } = await smtpServer();
    for (const key of ["a", "a", "b"]) await send(channel(port), { key });
    const ids = sessions.map(({ message }) => /^Message-ID: (.*)$/im.exec(message ?? "")?.[1]);
    expect(ids[0]).toMatch(/^<[0-9a-f]{32}@example\.org>\r?$/);
    expect([ids[0] === ids[1], ids[0] === ids[2]]).toEqual([true, false]);
  });

  test("cannot be given another header or another recipient by what an alert says", async () => {
    const { port, sessions } = await smtpServer();
    const title = "x\r\nBcc: thief@example.org\r\n\r\nbody\u0000\u2028end";
    await send(channel(port), { title, message: "a\r\n.\r\nRCPT TO:<thief@example.org>\r\n.b" });
    const [{ commands, message }] = sessions as [(typeof sessions)[0]];
    expect(message?.split("\r\n\r\n")[0]).not.toMatch(/^Bcc:/im);
    expect(commands.join("\n")).not.toContain("thief");
    expect(commands.filter((line) => line.startsWith("RCPT"))).toHaveLength(1);
    expect(sessions).toHaveLength(1);
  });

  test("needs no account where the server asks for none", async () => {
    const { result, session } = await sentTo({}, { user: null, password: null });
    expect(result).toEqual({ ok: true });
    expect(session?.commands.some((line) => line.startsWith("AUTH"))).toBe(false);
  });

  test("is taken though the server never says good-bye", async () => {
    expect((await sentTo({ hangsAt: "QUIT" })).result).toEqual({ ok: true });
  });
});

describe("a refusal is told in words, with the server's own, and never with the account", () => {
  test.each<[string, SmtpOptions, string, boolean, number | null]>([
    [
      "of the password",
      { replies: { AUTH: `535 5.7.8 no: afk ${PASSWORD}` } },
      "the mail server refuses user or password",
      true,
      535,
    ],
    [
      "of the recipient",
      { replies: { RCPT: "550 5.1.1 nobody here" } },
      "the mail server refuses the sender or every recipient",
      true,
      550,
    ],
    [
      "of the sender",
      { replies: { MAIL: "553 not yours" } },
      "the mail server refuses the sender",
      true,
      553,
    ],
    ["of the message", { replies: { message: "554 5.7.1 spam" } }, "refuses the message", false, 554],
    ["for now", { replies: { message: "451 4.7.1 come back" } }, "451 4.7.1 come back", true, 451],
    ["at its greeting", { replies: { greeting: "421 too busy" } }, "421 too busy", true, 421],
    ["by a web server", { replies: { greeting: "HTTP/1.1 400 Bad Request" } }, "no mail server", true, null],
    ["by a reset", { resetsAt: "DATA" }, "broke the connection off", true, null],
  ])("%s", async (_, options, words, isChannelDown, status) => {
    const sent = await sentTo(options);
    expect(sent.result).toMatchObject({ ok: false, error: expect.stringContaining(words), isChannelDown });
    expect(JSON.stringify(sent.result)).not.toContain(PASSWORD);
    if (status !== null) expect(sent.status).toBe(status);
  });

  test.each(["greeting", "EHLO", "AUTH", "DATA", "message"])(
    "a server that hangs at %s is left after the time limit",
    async (hangsAt) => {
      expect((await sentTo({ hangsAt }, {}, 300)).result).toMatchObject({
        ok: false,
        error: "no answer in time",
        isChannelDown: true,
      });
    },
  );

  test("a server that is not there", async () => {
    const { port, stop } = await smtpServer();
    await stop();
    expect((await send(channel(port))).result).toMatchObject({
      ok: false,
      error: "nothing listens at the mail server's address and port (ECONNREFUSED)",
    });
  });
});

describe("encryption", () => {
  test("is not asked for on this machine, and is required of any other host", async () => {
    // 0.0.0.0 reaches this machine without being a name of it.
    const { port, sessions } = await smtpServer();
    const sent = await send(channel(port, {}, "smtp", "0.0.0.0"));
    expect(sent.result).toMatchObject({ ok: false, error: expect.stringContaining("offers no encryption") });
    expect(sessions[0]?.commands.some((line) => /^(?:AUTH|MAIL)/.test(line))).toBe(false);
    expect((await send(channel(port, { isTlsRequired: false }, "smtp", "0.0.0.0"))).result).toEqual({
      ok: true,
    });
  });

  test.each(["starttls", "connect"] as const)(
    "with a certificate that nobody signed is refused (%s)",
    async (from) => {
      const { port, sessions } = await smtpServer({ tls: { ...certificate(), from } });
      const scheme = from === "connect" ? "smtps" : "smtp";
      const sent = await send(channel(port, {}, scheme, "0.0.0.0"));
      expect(sent.result).toMatchObject({ ok: false, error: expect.stringContaining("signed by nobody") });
      expect(sessions[0]?.commands.some((line) => /^(?:AUTH|MAIL)/.test(line))).toBe(false);
    },
  );
});
