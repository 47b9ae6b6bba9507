/** Test projects: unit (beside the sources), properties (the laws) and, when asked for, system. */

import process from "node:process";
import { defineConfig, type TestProjectConfiguration } from "vitest/config";

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
  test: {
    projects,
    testTimeout: 30_000,
    // vitest's own default is coverage/, where the ledger and the floors live.
    coverage: { reportsDirectory: "coverage/.report/vitest" },
  },
});
