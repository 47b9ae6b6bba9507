/**
 * Test projects: unit (tests beside the sources), properties (the laws) and, with KVMSIM_SYSTEM=1, system.
 *
 * With KVMSIM_COMPILED=1 the tests run against dist/ instead of the sources: what they import is loaded by Node
 * itself, with the compiler's source maps. Coverage is measured so; see coverage/README.md.
 */

import { existsSync } from "node:fs";
import path from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { defineConfig, type Plugin, type TestProjectConfiguration } from "vitest/config";

const root = path.dirname(fileURLToPath(import.meta.url));
const isCompiled = process.env["KVMSIM_COMPILED"] === "1";

/** Sends each relative import of a .ts file to what `tsc -b` made of it; tests themselves are not emitted. */
const redirectToDist: Plugin = {
  name: "kvmsim:redirect-to-dist",
  enforce: "pre",
  resolveId(specifier, importer) {
    if (importer === undefined || !/^\..*\.ts$/.test(specifier)) return null;
    const source = path.resolve(path.dirname(importer), specifier);
    const emitted = path.join(root, "dist", path.relative(root, source).replace(/\.ts$/, ".js"));
    return existsSync(emitted) ? { id: emitted, external: true } : null;
  },
};

const projects: TestProjectConfiguration[] = [
  {
    extends: true,
    test: {
      name: "unit",
      include: ["src/**/*.test.ts", "tools/**/*.test.ts", "properties/**/*.test.ts"],
    },
  },
  {
    extends: true,
    test: {
      name: "properties",
      include: ["properties/**/*.property.ts"],
      setupFiles: ["properties/support/vitest.setup.ts"],
      testTimeout: 120_000,
    },
  },
];

// System tests need a browser or other programs of the machine, so plain `npm test` leaves them out.
if (process.env["KVMSIM_SYSTEM"] === "1") {
  projects.push({
    extends: true,
    test: {
      name: "system",
      include: ["tools/system/**/*.system.ts"],
      testTimeout: 180_000,
      hookTimeout: 180_000,
    },
  });
}

export default defineConfig({
  plugins: isCompiled ? [redirectToDist] : [],
  test: {
    projects,
    testTimeout: 30_000,
    // A forked worker is killed at the end and leaves no coverage behind; a thread does.
    pool: isCompiled ? "threads" : "forks",
    ...(isCompiled ? { server: { deps: { external: [/\/dist\//] } } } : {}),
    // vitest's own default is coverage/, where the ledger and the floors live.
    coverage: { reportsDirectory: "coverage/.report/vitest" },
  },
});
