import type { AddressInfo } from "node:net";
import { createServer, type Socket } from "node:net";
import { createSecureContext, TLSSocket } from "node:tls";
import { onTestFinished } from "vitest";

export interface SmtpOptions {
  /** Replies in place of the usual, by the first word of the command; `greeting` and `message` are those moments. */
  replies?: Record<string, string>;
  /** At this command (or at the greeting) it says nothing any more. */
  hangsAt?: string;
  /** At this command it breaks the connection off. */
  resetsAt?: string;
  /** Offers STARTTLS, or speaks TLS from the first byte. */
  tls?: { key: string; cert: string; from: "starttls" | "connect" };
}

export interface SmtpSession {
  commands: string[];
  /** As it came, without the last dot. */
  message: string | null;
  isEncrypted: boolean;
}

/** A mail server on 127.0.0.1 that keeps what it is told, and ends with the test. It knows what a client of one message says. */
export async function smtpServer(options: SmtpOptions = {}) {
  const sessions: SmtpSession[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    const session: SmtpSession = { commands: [], message: null, isEncrypted: false };
    sessions.push(session);
    if (options.tls?.from === "connect") {
      session.isEncrypted = true;
      talk(encrypted(socket, options.tls), session, options);
    } else talk(socket, session, options);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const stop = () =>
    new Promise<void>((resolve) => {
      for (const socket of sockets) socket.destroy();
      server.close(() => resolve());
    });
  onTestFinished(stop);
  return { port: (server.address() as AddressInfo).port, sessions, stop };
}

function encrypted(socket: Socket, { key, cert }: { key: string; cert: string }): TLSSocket {
  const secure = new TLSSocket(socket, { isServer: true, secureContext: createSecureContext({ key, cert }) });
  secure.on("error", () => undefined);
  return secure;
}

function talk(socket: Socket, session: SmtpSession, options: SmtpOptions, isGreeted = false): void {
  let text = "";
  let isMessage = false;
  const say = (moment: string, usual: string) => {
    if (options.resetsAt === moment) socket.resetAndDestroy();
    else if (options.hangsAt !== moment) socket.write(`${options.replies?.[moment] ?? usual}\r\n`);
  };
  if (!isGreeted) say("greeting", "220 mail.example.org ESMTP");
  socket.on("data", (chunk) => {
    text += chunk.toString();
    for (;;) {
      const end = text.indexOf(isMessage ? "\r\n.\r\n" : "\r\n");
      if (end === -1) return;
      const part = text.slice(0, end);
      text = text.slice(end + (isMessage ? 5 : 2));
      if (isMessage) {
        isMessage = false;
        session.message = part;
        say("message", "250 2.0.0 kept");
        continue;
      }
      session.commands.push(part);
      const word = part.split(" ")[0]?.toUpperCase() ?? "";
      const offer = options.tls?.from === "starttls" && !session.isEncrypted ? "250-STARTTLS\r\n" : "";
      if (word === "EHLO") say(word, `250-mail.example.org\r\n${offer}250 AUTH PLAIN LOGIN`);
      else if (word === "AUTH") say(word, "235 2.7.0 welcome");
      else if (word === "DATA") {
        isMessage = true;
        say(word, "354 go on");
      } else if (word === "STARTTLS" && options.tls !== undefined) {
        socket.removeAllListeners("data");
        say(word, "220 go on");
        session.isEncrypted = true;
        return talk(encrypted(socket, options.tls), session, options, true);
      } else if (word === "STARTTLS") say(word, "502 5.5.1 not here");
      else if (word === "QUIT") {
        say(word, "221 bye");
        if (options.hangsAt !== word) socket.end();
      } else say(word, "250 2.1.0 ok");
    }
  });
}
