import { describe, expect, test } from "vitest";
import { checkedLookup } from "../../src/egress/address.ts";
import { isPermittedAddress, isPublicAddress } from "../../src/http/address.ts";

describe("isPublicAddress", () => {
  test.each([
    "1.1.1.1",
    "93.184.215.14",
    "172.15.255.255",
    "172.32.0.1",
    "100.63.255.255",
    "100.128.0.0",
    "168.63.129.17",
    "2606:4700:4700::1111",
    "2a00:1450:4001:831::200e",
    "::ffff:1.1.1.1",
    "64:ff9b::1.1.1.1",
  ])("takes %s for public", (ip) => {
    expect(isPublicAddress(ip)).toBe(true);
  });

  test.each([
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "100.64.0.1",
    "100.100.100.200",
    "127.0.0.1",
    "127.255.255.254",
    "168.63.129.16",
    "169.254.169.254",
    "169.254.0.1",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.192",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.1.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:7f00:1",
    "::ffff:169.254.169.254",
    "::ffff:0:127.0.0.1",
    "64:ff9b::127.0.0.1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::1.1.1.1",
    "100::1",
    "2001::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "2002:0101:0101::1",
    "3fff::1",
    "4000::1",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",
    "fd00:c1::a9fe:a9fe",
    "fd20:ce::254",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
    "2606:4700:4700::1111%eth0",
  ])("takes %s for not public", (ip) => {
    expect(isPublicAddress(ip)).toBe(false);
  });

  test.each([
    "",
    "localhost",
    "1.1.1",
    "16843009",
    "0x01010101",
    "01.01.01.01",
    "1.1.1.1/32",
    "[2606:4700::1]",
    " 1.1.1.1",
  ])("does not guess what %j means", (text) => {
    expect(isPublicAddress(text)).toBe(false);
    expect(isPermittedAddress(text, true)).toBe(false);
  });
});

describe("isPermittedAddress", () => {
  test.each([
    "127.0.0.1",
    "10.1.2.3",
    "192.168.0.9",
    "100.64.1.1",
    "::1",
    "fd12:3456::1",
    "::ffff:10.0.0.1",
    "1.1.1.1",
  ])("permits %s for a host that may be private", (ip) => {
    expect(isPermittedAddress(ip, true)).toBe(true);
  });

  test.each([
    "169.254.169.254",
    "169.254.1.1",
    "::ffff:169.254.169.254",
    "64:ff9b::169.254.169.254",
    "fe80::1",
    "fd00:ec2::254",
    "fd00:c1::a9fe:a9fe",
    "168.63.129.16",
    "100.100.100.200",
    "0.0.0.0",
    "::",
    "224.0.0.1",
    "255.255.255.255",
    "2002:7f00:1::",
  ])("refuses %s even then", (ip) => {
    expect(isPermittedAddress(ip, true)).toBe(false);
  });

  test("refuses a private address for every other host", () => {
    expect(isPermittedAddress("10.1.2.3", false)).toBe(false);
  });
});

describe("checkedLookup", () => {
  const look = (addresses: string[], all: boolean) =>
    new Promise((resolve, reject) => {
      const lookup = checkedLookup(
        async () => addresses.map((address) => ({ address, family: address.includes(":") ? 6 : 4 })),
        () => false,
      );
      lookup("site.test", { all }, (error, found) => (error ? reject(error) : resolve(found)));
    });

  test("hands over the addresses it has checked", async () => {
    expect(await look(["1.1.1.1", "2606:4700:4700::1111"], true)).toEqual([
      { address: "1.1.1.1", family: 4 },
      { address: "2606:4700:4700::1111", family: 6 },
    ]);
    expect(await look(["1.1.1.1", "1.0.0.1"], false)).toBe("1.1.1.1");
  });

  test("refuses the host when one address of several is not public", async () => {
    await expect(look(["1.1.1.1", "10.0.0.1"], true)).rejects.toMatchObject({
      code: "egress_refused",
      message: expect.stringContaining("add site.test to egress.allow_private"),
    });
    await expect(look(["1.1.1.1", "169.254.169.254"], false)).rejects.toThrow("nothing can allow that");
  });

  test("resolves once for a connection, so that a name that changes its address gains nothing", async () => {
    const answers = ["1.1.1.1", "127.0.0.1"];
    let asked = 0;
    const lookup = checkedLookup(
      async () => [{ address: answers[asked++] ?? "", family: 4 }],
      () => false,
    );
    const connect = () =>
      new Promise((resolve, reject) => {
        lookup("site.test", { all: true }, (error, found) => (error ? reject(error) : resolve(found)));
      });
    expect(await connect()).toEqual([{ address: "1.1.1.1", family: 4 }]);
    expect(asked).toBe(1);
    await expect(connect()).rejects.toMatchObject({ code: "egress_refused" });
  });

  test("fails when the name has no address", async () => {
    await expect(look([], true)).rejects.toMatchObject({ code: "egress_failed", retry: "later" });
  });
});
