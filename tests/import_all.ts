/**
 * `node import_all.ts FILE ...`: test files in one process; each has the working directory's path.
 *
 * @module
 */

import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

for (const file of process.argv.slice(2)) await import(pathToFileURL(resolve(file)).href);
