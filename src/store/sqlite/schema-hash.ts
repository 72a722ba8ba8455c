/**
 * Hashes of `sqlite_master` after each migration (schema-check.ts): `npm run schema` writes them. One of a migration that was
 * released never changes, since databases were made with it.
 */
export const SCHEMA_HASHES: Record<string, string> = {
  "0001-first": "e3608f9b37780147fbc075edf428591510d2fa92712c42ffb01f9ec05f1dc414",
  "0002-evidence": "004329cfa9efb44ba90bfe6425d40d03f4ff0d864ea087fc1cc6743763ebf935",
  "0003-retention": "bfc90ee71c6b2d06a349de68915d64b92b26bebe3bad251eb2a42dfe07341d8c",
  "0004-rails": "f0714ef90736007d3e52f7b55b5ad83d68b5b96ff2dcf02fe0a3a88d920f8e69",
  "0005-waits": "17ea98589bf6beebe83549bc605af12e21a783083b90ccb06b27ee9118dffe98",
  "0006-processes": "54415fcfe98db161e17732c7481655270fbd56820dbc0ca6966676d4405b8289",
  "0007-identity": "ce5abcc01fc801facfc9654642bcbbaab4b634dabed635cc7ffa909d2b50b190",
  "0008-windows": "c28876696bc98a1b17a72279ea17ee09ff6da34035c84880dccaa9b543860dc9",
  "0009-alerts": "e69138e04ebed3d798a9ce5049fe75d03a97d634fa4a2be056f90a97562f6d69",
  "0010-gateway": "565303685764921b1ae11783fbb36fbaa9c380db31fc474f7b093a47f6ae6a16",
  "0011-deliveries": "28273483f8e70e8d3443ddf8a7995baec15c080433bfac58e9f560bd3e42364a",
  "0012-questions": "d7ce330571b7a6e8ef57ffc7142fce3fbb65db5a79be76ff21c98c4be100d543",
  "0013-fleet": "9b9d3a2df3977c9bd0e8d95d4b11a3b462380105b3aaac3f56f23f85c488a3ae",
};
