// @module-tag processes

import type { AddressInfo } from "node:net";
import { connect as connectTo, createServer, type Socket } from "node:net";
import { describe, expect, onTestFinished, test } from "vitest";
import { createConnect } from "../../src/egress/connect.ts";
import { SendFailed } from "../../src/egress/errors.ts";
import { appendDraft } from "../../src/egress/imap/append-draft.ts";
import { prepareAppend } from "../../src/egress/imap/prepare-append.ts";
import { type Dovecot, missingDovecot, startDovecot } from "../support/dovecot.ts";

const message = {
  to: "kim@example.net",
  author: null,
  subject: "Re: Öffnungszeiten",
  inReplyTo: "<1@example.net>",
  references: ["<1@example.net>"],
  body: "Grüße\n.\nFrom here",
};

const connect = createConnect({ allow: ["127.0.0.1"], allowPrivate: ["127.0.0.1"] });

function append(
  server: Dovecot,
  { folder = null as string | null, port = server.port, password = server.password } = {},
) {
  const access = { host: "127.0.0.1", port, tls: false, user: server.user, password, mailbox: "INBOX" };
  const draft = prepareAppend(access, { folder, message, idempotencyKey: "draft-1" });
  return appendDraft(access, draft, { connect, signal: AbortSignal.timeout(60_000) });
}

const draftsIn = (server: Dovecot, folder: string) =>
  server.withClient(async (client) => {
    await client.mailboxOpen(folder, { readOnly: true });
    const all = await client.fetchAll("1:*", { source: true }).catch(() => []);
    return all.map(({ source }) => source!.toString());
  });

/** Between client and server; ends the connection once the client has sent `word`, `afterMs` later. */
async function cuttingProxy(port: number, word: string, afterMs: number): Promise<number> {
  const proxy = createServer((client: Socket) => {
    const server = connectTo(port, "127.0.0.1");
    let isCut = false;
    const end = () => [client, server].forEach((socket) => void socket.destroy());
    client.on("data", (chunk) => {
      server.write(chunk);
      if (!chunk.toString("latin1").includes(word)) return;
      isCut = true;
      setTimeout(end, afterMs);
    });
    // The server takes the command, and its word on that never arrives; that it may begin does.
    server.on("data", (chunk) => {
      if (!isCut || chunk.toString("latin1").startsWith("+")) client.write(chunk);
    });
    for (const socket of [client, server]) socket.on("error", end).on("close", end);
  });
  await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void proxy.close());
  return (proxy.address() as AddressInfo).port;
}

describe("a draft in a mailbox", () => {
  test("lies in the folder that the server marks, as it was shown", async ({ skip }) => {
    const missing = await missingDovecot();
    skip(missing !== null, missing ?? "");
    const server = await startDovecot();
    expect(await append(server)).toEqual({ folder: "Drafts", wasThere: false });
    expect(await append(server)).toEqual({ folder: "Drafts", wasThere: true });
    const [found, ...rest] = await draftsIn(server, "Drafts");
    expect(rest).toEqual([]);
    expect(found).toMatch(
      /^From: ops@example\.org\r\nTo: kim@example\.net\r\n[\s\S]*\r\nSubject: =\?UTF-8\?Q\?Re=3A_=C3=96ffnungszeiten\?=\r\n/,
    );
    expect(found).toContain("Message-ID: <afk-draft-1@127.0.0.1>");
  });

  test("is not done where the folder, or the login, is refused", async ({ skip }) => {
    const missing = await missingDovecot();
    skip(missing !== null, missing ?? "");
    const server = await startDovecot();
    for (const how of [{ folder: "Nowhere" }, { password: "wrong" }]) {
      const error = await append(server, how).catch((thrown: unknown) => thrown);
      expect(error).not.toBeInstanceOf(SendFailed);
      expect(String(error)).toMatch(/has no folder "Nowhere"; mend drafts:|refuses user or password/);
    }
    expect(await draftsIn(server, "Drafts")).toEqual([]);
  });

  test("may be done where the connection ends before the server says so, and is no second one when tried again", async ({
    skip,
  }) => {
    const missing = await missingDovecot();
    skip(missing !== null, missing ?? "");
    const server = await startDovecot();
    const port = await cuttingProxy(server.port, "APPEND", 1_000);
    const error = await append(server, { port }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(SendFailed);
    expect(error).toMatchObject({ mayHaveArrived: true });
    expect((await draftsIn(server, "Drafts")).length).toBe(1);
    expect(await append(server)).toEqual({ folder: "Drafts", wasThere: true });
  });
});
