import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { tempDir } from "./temp.ts";

/** A new certificate that nobody but itself vouches for, with its key; `address` is one more name that it is for. */
export function certificate(address?: string): { key: string; cert: string } {
  const dir = tempDir();
  const [key, cert] = [join(dir, "key.pem"), join(dir, "cert.pem")];
  const subject = ["-subj", "/CN=mail.example.org", "-days", "1", "-keyout", key, "-out", cert];
  const algorithm = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  const names = address === undefined ? [] : ["-addext", `subjectAltName=IP:${address}`];
  execFileSync("openssl", ["req", "-x509", ...algorithm, ...subject, ...names], { stdio: "ignore" });
  return { key: readFileSync(key, "utf8"), cert: readFileSync(cert, "utf8") };
}
