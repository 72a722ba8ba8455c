import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { chownSync, mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { userInfo } from "node:os";
import { join } from "node:path";
import { ImapFlow } from "imapflow";
import { onTestFinished } from "vitest";
import { messageOf } from "../../src/lib/errors.ts";
import { certificate } from "./certificate.ts";
import { type DovecotOwner, dovecotConfiguration } from "./dovecot-configuration.ts";
import { needTools } from "./engine/apt.ts";
import { freePort } from "./free-port.ts";

/** A mail server of the test's own: Debian's Dovecot, as a user without rights, with one account. */
export interface Dovecot {
  host: string;
  /** Without TLS, and with STARTTLS. */
  port: number;
  /** With TLS from the first byte. */
  securePort: number;
  user: string;
  password: string;
  /** Its certificate, which nobody else vouches for. */
  ca: string;
  /** What it wrote about itself. */
  folder: string;
  /** Puts mails into INBOX as files, read or not, as a delivery does; `arrivedMs` is when. */
  deliver(mails: readonly string[], arrivedMs: number): void;
  /** Runs `use` with a client that may change the mailbox. */
  withClient<T>(use: (client: ImapFlow) => Promise<T>): Promise<T>;
  /** Puts mails into a folder by APPEND. */
  append(mails: readonly string[], options?: AppendOptions): Promise<void>;
}

interface AppendOptions {
  mailbox?: string;
  flags?: string[];
  date?: Date;
}

const USER = "ops@example.org";
const PASSWORD = "correct horse 1";
const NOBODY: DovecotOwner = { uid: 65534, gid: 65534, user: "nobody", group: "nogroup" };

/** Why there is no Dovecot here, after it was installed where that is possible; null where there is one. */
export async function missingDovecot(): Promise<string | null> {
  try {
    await needTools({ dovecot: "dovecot-imapd", doveconf: "dovecot-imapd", openssl: "openssl" });
    return null;
  } catch (error) {
    return `no Dovecot (apt-get install dovecot-imapd): ${messageOf(error)}`;
  }
}

/** Starts one on free ports; it ends with the test. */
export async function startDovecot({ tokeninfoUrl }: { tokeninfoUrl?: string } = {}): Promise<Dovecot> {
  const folder = mkdtempSync("/tmp/afk-dovecot-");
  const [port, securePort] = [await freePort(), await freePort()];
  const { key, cert } = certificate();
  const owner = process.getuid?.() === 0 ? NOBODY : ownUser();
  for (const name of ["run", "state", "mail"]) mkdirSync(join(folder, name));
  writeFileSync(join(folder, "key.pem"), key, { mode: 0o600 });
  writeFileSync(join(folder, "cert.pem"), cert);
  writeFileSync(join(folder, "users"), `${USER}:{PLAIN}${PASSWORD}::::::\n`);
  const files = dovecotConfiguration({ folder, port, securePort, owner, tokeninfoUrl, version: version() });
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  execFileSync("chown", ["-R", `${owner.uid}:${owner.gid}`, folder]);
  chownSync(folder, owner.uid, owner.gid);
  const child = spawn("dovecot", ["-F", "-c", join(folder, "dovecot.conf")], {
    uid: owner.uid,
    gid: owner.gid,
    stdio: ["ignore", "ignore", "pipe"],
  });
  onTestFinished(async () => {
    await ended(child);
    rmSync(folder, { recursive: true, force: true });
  });
  const account = { host: "127.0.0.1", port, user: USER, password: PASSWORD };
  await untilReady(child, account);
  const withClient = <T>(use: (client: ImapFlow) => Promise<T>) => asClient(account, use);
  return {
    ...account,
    securePort,
    ca: cert,
    folder,
    withClient,
    deliver(mails, arrivedMs) {
      const maildir = join(folder, "mail", USER);
      for (const name of ["cur", "new", "tmp"]) mkdirSync(join(maildir, name), { recursive: true });
      for (const [at, mail] of mails.entries()) {
        const path = join(maildir, "new", `${arrivedMs / 1_000}.${String(at).padStart(6, "0")}.x`);
        writeFileSync(path, mail);
        utimesSync(path, arrivedMs / 1_000, arrivedMs / 1_000);
      }
      execFileSync("chown", ["-R", `${owner.uid}:${owner.gid}`, maildir]);
    },
    append: (mails, { mailbox = "INBOX", flags = [], date } = {}) =>
      withClient(async (client) => {
        for (const mail of mails)
          await client.append(mailbox, mail.replaceAll(/\r?\n/g, "\r\n"), flags, date);
      }),
  };
}

/** `2.3`, `2.4` */
function version(): string {
  return execFileSync("dovecot", ["--version"], { encoding: "utf8" }).split(".", 2).join(".");
}

function ownUser(): DovecotOwner {
  const { uid, gid, username } = userInfo();
  return { uid, gid, user: username, group: execFileSync("id", ["-gn"], { encoding: "utf8" }).trim() };
}

async function untilReady(child: ChildProcess, account: Account): Promise<void> {
  let said = "";
  child.stderr?.on("data", (chunk) => {
    said += String(chunk);
  });
  for (let tries = 0; tries < 100; tries++) {
    if (child.exitCode !== null) throw new Error(`dovecot ended: ${said}`);
    try {
      await asClient(account, async () => undefined);
      return;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
  throw new Error(`dovecot does not answer: ${said}`);
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  const isOver = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  child.kill("SIGTERM");
  await isOver;
}

interface Account {
  host: string;
  port: number;
  user: string;
  password: string;
}

async function asClient<T>(
  { host, port, user, password }: Account,
  use: (client: ImapFlow) => Promise<T>,
): Promise<T> {
  const client = new ImapFlow({
    host,
    port,
    secure: false,
    doSTARTTLS: false,
    auth: { user, pass: password },
    logger: false,
  });
  client.on("error", () => undefined);
  await client.connect();
  try {
    return await use(client);
  } finally {
    await client.logout();
  }
}
