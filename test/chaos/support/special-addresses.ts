/** Addresses of each special range (IANA special-purpose registries), and of the metadata services of clouds. */
export const SPECIAL_IPV4 = [
  "0.0.0.0",
  "0.255.255.255",
  "10.0.0.1",
  "10.255.255.255",
  "100.64.0.1",
  "100.127.255.255",
  "100.100.100.200",
  "127.0.0.1",
  "127.0.0.2",
  "127.255.255.254",
  "168.63.129.16",
  "169.254.0.1",
  "169.254.169.254",
  "169.254.170.2",
  "172.16.0.1",
  "172.31.255.255",
  "192.0.0.1",
  "192.0.0.192",
  "192.0.2.1",
  "192.88.99.1",
  "192.168.0.1",
  "192.168.255.255",
  "198.18.0.1",
  "198.19.255.255",
  "198.51.100.1",
  "203.0.113.1",
  "224.0.0.1",
  "239.255.255.255",
  "240.0.0.1",
  "255.255.255.255",
];

export const SPECIAL_IPV6 = [
  "::",
  "::1",
  "100::1",
  "2001::1",
  "2001:2::1",
  "2001:10::1",
  "2001:db8::1",
  "2002:7f00:1::",
  "3fff::1",
  "5f00::1",
  "64:ff9b:1::1",
  "fc00::1",
  "fd00:ec2::254",
  "fd00:c1::a9fe:a9fe",
  "fd20:ce::254",
  "fdff:ffff::1",
  "fe80::1",
  "fe80::a9fe:a9fe",
  "febf::1",
  "fec0::1",
  "ff02::1",
  "ff0e::1",
];

/** What `egress.allow_private` opens no way to either. */
export const NEVER_PERMITTED = [
  "0.0.0.0",
  "100.100.100.200",
  "168.63.129.16",
  "169.254.0.1",
  "169.254.169.254",
  "169.254.170.2",
  "192.0.0.192",
  "224.0.0.1",
  "255.255.255.255",
  "::",
  "fe80::1",
  "fd00:ec2::254",
  "fd00:c1::a9fe:a9fe",
  "fd20:ce::254",
  "ff02::1",
  "2002:a9fe:a9fe::",
  "64:ff9b::a9fe:a9fe",
];

type Spelling = (octets: [number, number, number, number]) => string;

const hex = (value: number, digits = 0) => value.toString(16).padStart(digits, "0");
const whole = ([a, b, c, d]: number[]) => ((a! << 24) | (b! << 16) | (c! << 8) | d!) >>> 0;
const groups = ([a, b, c, d]: number[]) => `${hex((a! << 8) | b!)}:${hex((c! << 8) | d!)}`;
const fullWidth = (text: string) =>
  text.replace(/[0-9]/g, (digit) => String.fromCharCode(digit.charCodeAt(0) + 0xfee0));

/** Ways to write one IPv4 address as the host of a URL; all of them mean it, or lead to it where a translator stands. */
export const SPELLINGS: Record<string, Spelling> = {
  dotted: (octets) => octets.join("."),
  "trailing dot": (octets) => `${octets.join(".")}.`,
  decimal: (octets) => String(whole(octets)),
  "decimal with a dot": (octets) => `${whole(octets)}.`,
  octal: (octets) => octets.map((octet) => `0${octet.toString(8)}`).join("."),
  "octal with zeros": (octets) => octets.map((octet) => `0000${octet.toString(8)}`).join("."),
  "octal whole": (octets) => `0${whole(octets).toString(8)}`,
  hexadecimal: (octets) => octets.map((octet) => `0x${hex(octet)}`).join("."),
  "hexadecimal in capitals": (octets) => octets.map((octet) => `0X${hex(octet, 2).toUpperCase()}`).join("."),
  "hexadecimal whole": (octets) => `0x${hex(whole(octets))}`,
  "two parts": ([a, b, c, d]) => `${a}.${(b << 16) | (c << 8) | d}`,
  "three parts": ([a, b, c, d]) => `${a}.${b}.${(c << 8) | d}`,
  mixed: ([a, b, c, d]) => `0x${hex(a)}.0${b.toString(8)}.${(c << 8) | d}`,
  "full-width digits": (octets) => fullWidth(octets.join(".")),
  "ideographic full stops": (octets) => octets.join("。"),
  "full-width full stops": (octets) => octets.join("．"),
  "halfwidth full stops": (octets) => octets.join("｡"),
  "percent-encoded": (octets) =>
    octets.join(".").replace(/./g, (character) => `%${hex(character.charCodeAt(0))}`),
  "percent-encoded dots": (octets) => octets.join("%2e"),
  "percent-encoded full-width digits": (octets) => encodeURIComponent(fullWidth(octets.join("."))),
  "a tab within": (octets) => octets.join(".\t"),
  "a newline within": (octets) => octets.join(".\n"),
  "a soft hyphen within": (octets) => octets.join("\u00ad."),
  "a zero-width space within": (octets) => octets.join(".\u200b"),
  "superscript digits": (octets) => octets.join(".").replace(/1/g, "¹").replace(/2/g, "²"),
  "circled digits": (octets) =>
    octets.join(".").replace(/[1-9]/g, (digit) => String.fromCharCode(0x245f + Number(digit))),
  "IPv4-mapped": (octets) => `[::ffff:${octets.join(".")}]`,
  "IPv4-mapped in capitals": (octets) => `[::FFFF:${groups(octets).toUpperCase()}]`,
  "IPv4-mapped in full": (octets) => `[0000:0000:0000:0000:0000:ffff:${octets.join(".")}]`,
  "IPv4-compatible": (octets) => `[::${octets.join(".")}]`,
  "IPv4-translated": (octets) => `[::ffff:0:${octets.join(".")}]`,
  NAT64: (octets) => `[64:ff9b::${octets.join(".")}]`,
  "local NAT64": (octets) => `[64:ff9b:1::${octets.join(".")}]`,
  "6to4": (octets) => `[2002:${groups(octets)}::1]`,
  Teredo: (octets) => `[2001:0:4136:e378:8000:63bf:${groups(octets.map((octet) => 255 - octet))}]`,
  "Teredo server": (octets) => `[2001:0:${groups(octets)}:8000:63bf:3fff:fdd2]`,
  ISATAP: (octets) => `[fe80::5efe:${octets.join(".")}]`,
  "zone of a mapped address": (octets) => `[::ffff:${octets.join(".")}%25lo]`,
};

export function octetsOf(ip: string): [number, number, number, number] {
  const [a = 0, b = 0, c = 0, d = 0] = ip.split(".").map(Number);
  return [a, b, c, d];
}

export interface Range {
  first: string;
  /** How many bits all its addresses share. */
  bits: number;
}

/** The ranges behind SPECIAL_IPV4. */
export const SPECIAL_RANGES: Range[] = [
  { first: "0.0.0.0", bits: 8 },
  { first: "10.0.0.0", bits: 8 },
  { first: "100.64.0.0", bits: 10 },
  { first: "127.0.0.0", bits: 8 },
  { first: "168.63.129.16", bits: 32 },
  { first: "169.254.0.0", bits: 16 },
  { first: "172.16.0.0", bits: 12 },
  { first: "192.0.0.0", bits: 24 },
  { first: "192.0.2.0", bits: 24 },
  { first: "192.168.0.0", bits: 16 },
  { first: "198.18.0.0", bits: 15 },
  { first: "198.51.100.0", bits: 24 },
  { first: "203.0.113.0", bits: 24 },
  { first: "224.0.0.0", bits: 4 },
  { first: "240.0.0.0", bits: 4 },
];

export function randomIn(range: Range, random: () => number): [number, number, number, number] {
  const address = whole(octetsOf(range.first)) + Math.floor(random() * 2 ** (32 - range.bits));
  return [address >>> 24, (address >>> 16) & 255, (address >>> 8) & 255, address & 255];
}
