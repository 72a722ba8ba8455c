// biome-ignore-all lint/suspicious/noTemplateCurlyInString: afk.yaml has them in plain texts.
import { describe, expect, it } from "vitest";
import { configHash } from "../../src/config/hash.ts";
import { linesOf, load, withBase } from "./support.ts";

const MAIL = {
  type: "email",
  url: "smtps://mail.example.org:465",
  user: "afk",
  password: "correct-horse",
  from: "afk@example.org",
  to: "ops@example.org",
};

const channelOf = (over: object, environment = {}) =>
  load(withBase({ alerts: [{ ...MAIL, ...over }] }), { environment }).alerts[0];
const faultsOf = (over: object) => linesOf(withBase({ alerts: [{ ...MAIL, ...over }] }));
const WITHOUT = { user: undefined, password: undefined };

describe("an e-mail channel", () => {
  it("has its account apart from its address, wherever it was written", () => {
    const mail = {
      from: "afk@example.org",
      to: ["ops@example.org"],
      user: "afk",
      password: "correct-horse",
      isTlsRequired: true,
    };
    const channel = { type: "email", name: "email", url: MAIL.url, on: null, template: null, settings: mail };
    expect(channelOf({})).toEqual(channel);
    const inUrl = { ...WITHOUT, url: "smtps://afk:correct%2Dhorse@mail.example.org:465/" };
    expect(channelOf(inUrl)).toEqual(channel);
    const two = ["a@example.org", "b@example.org"];
    expect(channelOf({ to: two, tls: undefined })?.settings).toMatchObject({ to: two });
    expect(channelOf({ ...WITHOUT, url: "smtp://localhost:25", tls: false })?.settings).toMatchObject({
      user: null,
      password: null,
      isTlsRequired: false,
    });
  });

  it("keeps its password secret, and its server's name not", () => {
    const { secrets, ...config } = load(withBase({ alerts: [{ ...MAIL, password: "${PW}" }] }), {
      environment: { PW: "from-the-environment" },
    });
    expect(secrets).toEqual(["from-the-environment"]);
    const changed = load(withBase({ alerts: [{ ...MAIL, password: "another-one" }] }));
    expect(configHash(changed)).toBe(configHash({ ...config, secrets }));
  });

  it.each<[string, object, string]>([
    ["a web address", { url: "https://mail.example.org" }, "the url names no mail server"],
    ["a path", { url: "smtp://mail.example.org/inbox" }, "the url names no mail server"],
    ["no host", { ...WITHOUT, url: "smtp:///x" }, "the url names no mail server"],
    ["no recipient", { to: undefined }, "needs from and to"],
    ["no sender", { from: undefined }, "needs from and to"],
    ["half an account", { password: undefined }, "user and password go together"],
    ["two accounts", { url: "smtps://me:secret-word@mail.example.org" }, "are there twice"],
    ["TLS and none", { tls: false }, "smtps:// is TLS from the first byte"],
    ["a display name", { from: "afk <afk@example.org>" }, "write a plain mail address"],
    ["a second header", { from: "a@example.org\nBcc: b@example.org" }, "write a plain mail address"],
    ["two recipients in one", { to: "a@example.org, b@example.org" }, "write a plain mail address"],
    ["a header in a list", { to: ["a@example.org\r\nX: y"] }, "write a plain mail address"],
    ["nobody", { to: [] }, "write a plain mail address"],
    ["a chat", { chat_id: "1" }, "chat_id belongs to telegram"],
  ])("with %s is refused", (_, over, words) => {
    const lines = faultsOf(over);
    expect(lines.join("\n")).toContain(words);
    expect(lines.join("\n")).not.toMatch(/correct-horse|secret-word/);
  });

  it("gives its keys and its addresses to no other type", () => {
    const hook = { type: "webhook", url: "https://hooks.example.org/x" };
    expect(linesOf(withBase({ alerts: [{ ...hook, to: "ops@example.org" }] }))[0]).toContain(
      "to belongs to email",
    );
    expect(linesOf(withBase({ alerts: [{ ...hook, url: MAIL.url }] }))[0]).toContain("write type: email");
  });
});
