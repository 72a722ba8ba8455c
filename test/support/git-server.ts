import { execFileSync, spawn } from "node:child_process";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import type { TestRepository } from "./git-repository.ts";
import { tempDir } from "./temp.ts";

export interface GitServer {
  /** `http://127.0.0.1:PORT` */
  url: string;
  /** The bare repository that is served as `octo-org/repo.git`. */
  git(...args: string[]): string;
  /** Pull requests that were asked for. */
  pulls: { authorization: string | undefined; body: Record<string, unknown> }[];
  /** What the API answers with. */
  answer(status: number): void;
}

/** A forge on loopback: git's own smart HTTP server for whoever shows the token, and an API that opens pull requests. */
export async function gitServer(repository: TestRepository, token: string): Promise<GitServer> {
  const root = tempDir();
  const bare = join(root, "octo-org", "repo.git");
  execFileSync("git", ["clone", "--quiet", "--bare", repository.path, bare], { stdio: "pipe" });
  const git = (...args: string[]) =>
    execFileSync("git", args, { cwd: bare, encoding: "utf8", stdio: "pipe" });
  git("config", "http.receivepack", "true");
  const pulls: GitServer["pulls"] = [];
  let status = 201;
  const expected = `Basic ${Buffer.from(`x-access-token:${token}`).toString("base64")}`;
  const server = createServer((request, response) => {
    const { authorization } = request.headers;
    if (request.url === "/api/repos/octo-org/repo/pulls") {
      let text = "";
      request.on("data", (bytes) => (text += bytes));
      request.on("end", () => {
        pulls.push({ authorization, body: JSON.parse(text) });
        response.writeHead(status).end("{}");
      });
    } else if (authorization !== expected) {
      response.writeHead(401, { "www-authenticate": 'Basic realm="git"' }).end();
    } else backend(root, request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  const answer = (next: number) => {
    status = next;
  };
  return { url: `http://127.0.0.1:${port}`, git, pulls, answer };
}

/** RFC 3875: headers and body as a CGI program prints them. */
function backend(root: string, request: IncomingMessage, response: ServerResponse): void {
  const { pathname, search } = new URL(request.url ?? "/", "http://localhost");
  const child = spawn("git", ["http-backend"], {
    env: {
      PATH: process.env.PATH,
      GIT_PROJECT_ROOT: root,
      GIT_HTTP_EXPORT_ALL: "1",
      REMOTE_USER: "afk",
      REQUEST_METHOD: request.method,
      PATH_INFO: pathname,
      QUERY_STRING: search.slice(1),
      CONTENT_TYPE: request.headers["content-type"] ?? "",
      HTTP_CONTENT_ENCODING: request.headers["content-encoding"] ?? "",
      GIT_PROTOCOL: String(request.headers["git-protocol"] ?? ""),
    },
  });
  request.pipe(child.stdin);
  const parts: Buffer[] = [];
  child.stdout.on("data", (bytes) => parts.push(bytes));
  child.on("close", () => {
    const whole = Buffer.concat(parts);
    const end = whole.indexOf("\r\n\r\n");
    const headers = whole
      .subarray(0, end)
      .toString("latin1")
      .split("\r\n")
      .map((line) => line.split(": "));
    const { Status = "200", ...rest } = Object.fromEntries(headers);
    response.writeHead(Number.parseInt(Status, 10), rest).end(whole.subarray(end + 4));
  });
}
