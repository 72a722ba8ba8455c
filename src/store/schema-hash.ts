/**
 * Hashes of `sqlite_master` after each migration (schema-check.ts): `npm run schema` writes them. One of a migration that was
 * released never changes, since databases were made with it.
 */
export const SCHEMA_HASHES: Record<string, string> = {
  "0001-first": "e3608f9b37780147fbc075edf428591510d2fa92712c42ffb01f9ec05f1dc414",
  "0002-evidence": "004329cfa9efb44ba90bfe6425d40d03f4ff0d864ea087fc1cc6743763ebf935",
  "0003-retention": "bfc90ee71c6b2d06a349de68915d64b92b26bebe3bad251eb2a42dfe07341d8c",
};
