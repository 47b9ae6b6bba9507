/**
 * The build's second half: few files of JavaScript for Node instead of hundreds, since most of the time to start would
 * go into finding and opening them. `tsc -b` checks types and writes the declarations; see vitest.config.ts for tests.
 */

import path from "node:path";
import { defineConfig } from "vite";

const inRepository = (id: string): string => path.relative(import.meta.dirname, id);

/** A law tells its place by the name of its file, so each keeps one. */
const placeOfLaw = (id: string): string | null =>
  /^(properties\/.*\.property)\.ts$/.exec(inRepository(id))?.[1] ?? null;

/** Commands stay apart, and are loaded when they are run. */
const GROUPS = [
  {
    priority: 3,
    name: "simulator",
    test: (id: string) => /^src\/(?!cli\/)/.test(inRepository(id)),
  },
  {
    priority: 2,
    name: "laws",
    test: (id: string) => inRepository(id).startsWith("properties/support/"),
  },
  { priority: 1, name: placeOfLaw, debugName: "laws, each" },
];

export default defineConfig({
  build: {
    ssr: true,
    target: "node20",
    outDir: "dist/bundle",
    sourcemap: true,
    minify: false,
    rollupOptions: {
      input: {
        kvmsim: "src/cli/main.ts",
        index: "src/api/index.ts",
        "laws/worker": "src/cli/laws/worker.ts",
        "first-instruction": "src/cli/bench/first-instruction.ts",
      },
      output: {
        entryFileNames: "[name].js",
        chunkFileNames: "[name].js",
        codeSplitting: { groups: GROUPS },
      },
    },
  },
});
