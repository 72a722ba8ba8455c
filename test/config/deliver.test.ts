// biome-ignore-all lint/suspicious/noTemplateCurlyInString: afk.yaml has them in plain texts.
import { describe, expect, it } from "vitest";
import { BASE, linesOf, load } from "./support.ts";

const PHONE = { name: "phone", type: "ntfy", url: "https://ntfy.sh/a-topic-nobody-guesses" };
const JOB = { name: "script", kind: "plain", command: ["true"] };
const withDeliver = (deliver: unknown, job: object = {}) => ({
  ...BASE,
  alerts: [PHONE],
  jobs: [{ ...JOB, deliver, ...job }],
});
const receivers = (deliver: unknown, environment = {}) =>
  load(withDeliver(deliver), { environment }).jobs[0]?.deliver;
const faults = (deliver: unknown) => linesOf(withDeliver(deliver)).join("\n");

describe("jobs[].deliver", () => {
  it("names a channel of alerts, a type with an address of its own, the feed and files", () => {
    const found = receivers([
      { to: "phone", when: "always", quiet_hours: "22:00-07:00" },
      { to: "webhook", url: "https://example.org/hook" },
      { to: "webhook", url: "https://example.org/other" },
      { to: "email", url: "smtp://localhost:25", from: "afk@example.org", mail_to: "me@example.org" },
      { to: "feed" },
      { to: "file", path: "./digests/" },
      { to: "file", path: "latest.md" },
    ]);
    expect(found?.map(({ name, when }) => `${name} ${when}`)).toEqual([
      "phone always",
      "webhook new",
      "webhook-2 new",
      "email new",
      "feed new",
      "file new",
      "file-2 new",
    ]);
    expect(found?.[0]).toMatchObject({
      quietHours: { from: 1320, until: 420 },
      target: { type: "channel", channel: { name: "phone", type: "ntfy" } },
    });
    expect(found?.[3]?.target).toMatchObject({ channel: { settings: { to: ["me@example.org"] } } });
    expect(found?.[5]?.target).toMatchObject({ isFolder: true, path: expect.stringMatching(/\/digests$/) });
    expect(found?.[6]?.target).toMatchObject({ isFolder: false });
    expect(load(withDeliver([])).jobs[0]?.progressMs).toBeNull();
    expect(load(withDeliver([], { progress: "10m" })).jobs[0]?.progressMs).toBe(600_000);
  });

  it("knows the channel of ALERT_WEBHOOK as host, and hides addresses that stand in it", () => {
    const environment = {
      ALERT_WEBHOOK: "https://hooks.example.org/x",
      HOOK: "https://example.org/very-secret-hook",
    };
    expect(receivers([{ to: "host" }], environment)?.[0]?.target).toMatchObject({
      channel: { url: "https://hooks.example.org/x" },
    });
    const { secrets } = load(withDeliver([{ to: "webhook", url: "${HOOK}" }]), { environment });
    expect(secrets).toContain("https://example.org/very-secret-hook");
    const stated = "https://example.org/services/T0123456789/abcdefabcdefabcdef";
    expect(load(withDeliver([{ to: "webhook", url: stated }])).secrets).toContain(stated);
  });

  it("may name one channel for results and once more for failures", () => {
    const found = receivers([{ to: "phone" }, { to: "phone", when: "failed" }]);
    expect(found?.map(({ name }) => name)).toEqual(["phone", "phone"]);
  });

  it.each<[string, unknown, string]>([
    ["an unknown name, with the nearest", [{ to: "phnoe" }], "Did you mean phone?"],
    ["an unknown type, with the nearest", [{ to: "emial" }], "Did you mean email?"],
    ["a type without an address", [{ to: "slack" }], "slack has no address"],
    ["host where there is none", [{ to: "host" }], "ALERT_WEBHOOK"],
    [
      "an address beside a name",
      [{ to: "phone", url: "https://example.org" }],
      "which is no type of channel",
    ],
    ["a chat beside a name", [{ to: "phone", chat_id: 1 }], "chat_id stands beside the channel phone"],
    [
      "another type's key",
      [{ to: "slack", url: "https://example.org", chat_id: 1 }],
      "chat_id belongs to telegram",
    ],
    [
      "telegram without a chat",
      [{ to: "telegram", url: "https://api.telegram.org/bot1:a" }],
      "telegram needs chat_id",
    ],
    ["mail without a recipient", [{ to: "email", url: "smtp://localhost" }], "needs from and mail_to"],
    ["a file without a path", [{ to: "file" }], "file needs path"],
    ["a path beside a channel", [{ to: "phone", path: "x" }], "path belongs to file"],
    ["an address beside the feed", [{ to: "feed", url: "https://example.org" }], "url belongs to a channel"],
    ["the same twice", [{ to: "phone" }, { to: "phone", when: "always" }], "gets the same results twice"],
    ["another when", [{ to: "phone", when: "sometimes" }], "always, new, failed"],
    ["hours that are none", [{ to: "phone", quiet_hours: "22-7" }], 'for example "22:00-07:00"'],
    ["an hour that is none", [{ to: "phone", quiet_hours: "25:00-07:00" }], "write from when until when"],
    ["hours without length", [{ to: "phone", quiet_hours: "07:00-07:00" }], "write from when until when"],
    ["24:30", [{ to: "phone", quiet_hours: "22:00-24:30" }], "write from when until when"],
    ["an unknown key", [{ to: "phone", wen: "new" }], "did you mean when?"],
    ["no list", { to: "phone" }, "write a list of receivers"],
  ])("is refused with %s", (_, deliver, message) => {
    expect(faults(deliver)).toContain(message);
  });
});
