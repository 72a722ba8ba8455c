import { type AddressInfo, createServer, type Socket } from "node:net";
import { onTestFinished } from "vitest";

/** A command as it came. */
export interface ImapCommand {
  tag: string;
  /** In capitals, with UID in front where it was there: `UID FETCH`. */
  name: string;
  args: string;
  socket: Socket;
  /** Sends a line. */
  say(line: string): void;
}

/** What is said at a command in place of the usual; the greeting is one too. */
export type ImapScript = Partial<Record<string, (command: ImapCommand) => void>>;

export interface ImapScripted {
  host: string;
  port: number;
  /** Every command, `NAME ARGS`. */
  commands: string[];
}

/** What the usual mailbox holds. */
interface Mailbox {
  exists?: number;
  uids?: number[];
  capabilities?: string;
}

/** A mail server on 127.0.0.1 that keeps to the protocol where its script says nothing else. Ends with the test. */
export async function imapServer(script: ImapScript = {}, mailbox: Mailbox = {}): Promise<ImapScripted> {
  const { uids = [1], exists = uids.length, capabilities = "IMAP4rev1 SASL-IR" } = mailbox;
  const sockets = new Set<Socket>();
  const scripted: ImapScripted = { host: "127.0.0.1", port: 0, commands: [] };
  const usual: ImapScript = {
    GREETING: ({ say }) => say("* OK ready"),
    CAPABILITY: ({ tag, say }) => say(`* CAPABILITY ${capabilities}\r\n${tag} OK`),
    LIST: ({ tag, say }) => say(`* LIST () "/" INBOX\r\n${tag} OK`),
    EXAMINE: ({ tag, say }) =>
      say(
        `* ${exists} EXISTS\r\n* OK [UIDVALIDITY 7] x\r\n* OK [UIDNEXT ${(uids.at(-1) ?? 0) + 1}] x\r\n${tag} OK [READ-ONLY] x`,
      ),
    "UID SEARCH": ({ tag, say }) => say(`* SEARCH ${uids.join(" ")}\r\n${tag} OK`),
    LOGOUT: ({ tag, say, socket }) => {
      say(`* BYE\r\n${tag} OK`);
      socket.end();
    },
  };
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    const say = (line: string) => void socket.write(`${line}\r\n`);
    const obey = (tag: string, name: string, args: string) => {
      const answer = script[name] ?? usual[name] ?? (() => say(`${tag} OK`));
      answer({ tag, name, args, socket, say });
    };
    obey("*", "GREETING", "");
    let text = "";
    socket.on("data", (chunk) => {
      text += chunk.toString("latin1");
      for (let end = text.indexOf("\r\n"); end !== -1; end = text.indexOf("\r\n")) {
        const line = text.slice(0, end);
        text = text.slice(end + 2);
        const [, tag = "", name = "", args = ""] = /^(\S+) ((?:UID )?\S+) ?(.*)$/i.exec(line) ?? [];
        scripted.commands.push(`${name.toUpperCase()} ${args}`.trim());
        obey(tag, name.toUpperCase(), args);
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  scripted.port = (server.address() as AddressInfo).port;
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  return scripted;
}

/** The answer to a FETCH of a mail. */
export function fetched(
  uid: number,
  mail: string,
  { size = mail.length, seq = uid, flags = "" } = {},
): string {
  return `* ${seq} FETCH (UID ${uid} FLAGS (${flags}) INTERNALDATE "20-Nov-2026 10:00:00 +0000" RFC822.SIZE ${size} BODY[]<0> {${Buffer.byteLength(mail)}}\r\n${mail})`;
}
