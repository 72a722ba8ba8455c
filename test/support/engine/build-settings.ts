import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

/** How builds in the engine reach the package registry as this machine does: what they are given leaves nothing in an image. */
const CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt";

/** The file of the authorities that this machine trusts. */
export function certificates(): string | undefined {
  const candidates = [process.env.NODE_EXTRA_CA_CERTS, process.env.SSL_CERT_FILE, CERTIFICATES];
  return candidates.find((path) => path !== undefined && path !== "" && existsSync(path));
}

/** Words for `docker build`: secrets with npm's settings and the certificates, and the proxy, if there is one. */
export function buildSettings(): string[] {
  const trusted = certificates();
  const npmrc = process.env.npm_config_userconfig ?? join(homedir(), ".npmrc");
  return [
    ...(trusted === undefined ? [] : ["--secret", `id=ca,src=${trusted}`]),
    ...(existsSync(npmrc) ? ["--secret", `id=npmrc,src=${npmrc}`] : []),
    ...proxySettings(),
  ];
}

/** Arguments that Docker knows by itself and keeps out of the image's history. Without a value it takes the machine's own. */
export function proxySettings(): string[] {
  const names = ["HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"].flatMap((name) => [name, name.toLowerCase()]);
  return names.filter((name) => process.env[name]).flatMap((name) => ["--build-arg", name]);
}
