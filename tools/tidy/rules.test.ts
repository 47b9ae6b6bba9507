/** Each rule is seen to find what it is for, and to leave alone what it is not for. */

import { describe, expect, test } from "vitest";
import { checkRule, RULES } from "./index.ts";
import type { Source } from "./source.ts";

interface Planted {
  /** Where the finding must be: `path:line`. */
  readonly finds?: readonly string[];
  readonly files: Readonly<Record<string, string>>;
}

const join = (...parts: readonly string[]): string => parts.join("");
const law = (cites: string): string =>
  `law("x", { says: "A is B.", ${cites}, holds: () => true });`;

const PLANTED: Readonly<Record<string, readonly Planted[]>> = {
  "known layers": [
    { finds: ["src/firmware/a.ts:1"], files: { "src/firmware/a.ts": "", "src/hw/a.ts": "" } },
  ],

  layers: [
    { finds: ["src/sim/a.ts:1"], files: { "src/sim/a.ts": 'import { b } from "../hw/b.ts";' } },
    {
      finds: ["src/sim/a.ts:1"],
      files: { "src/sim/a.ts": 'import type { B } from "../hw/b.ts";' },
    },
    { finds: ["src/sim/a.ts:2"], files: { "src/sim/a.ts": '\nimport "../hw/b.ts";' } },
    { finds: ["src/sim/a.ts:1"], files: { "src/sim/a.ts": 'export * from "../hw/b.ts";' } },
    { finds: ["src/sim/a.ts:1"], files: { "src/sim/a.ts": 'export { b } from "../hw/b.ts";' } },
    { finds: ["src/sim/a.ts:1"], files: { "src/sim/a.ts": 'const b = import("../hw/b.ts");' } },
    { finds: ["src/sim/a.ts:1"], files: { "src/sim/a.ts": "const b = import(`../hw/${x}.ts`);" } },
    { finds: ["src/sim/a.ts:1"], files: { "src/sim/a.ts": 'type B = import("../hw/b.ts").B;' } },
    { finds: ["src/sim/a.ts:1"], files: { "src/sim/a.ts": 'const b = require("../hw/b.ts");' } },
    {
      finds: ["src/sim/a.ts:1"],
      files: { "src/sim/a.ts": 'new Worker(new URL("../hw/b.ts", import.meta.url));' },
    },
    {
      finds: ["src/sim/a.ts:1"],
      files: { "src/sim/a.ts": '/// <reference path="../hw/b.d.ts" />' },
    },
    { finds: ["src/sim/a.ts:1"], files: { "src/sim/a.ts": 'import fs from "node:fs";' } },
    { finds: ["src/sim/a.ts:1"], files: { "src/sim/a.ts": 'import fs from "fs";' } },
    { finds: ["src/hw/a.ts:1"], files: { "src/hw/a.ts": 'import seedrandom from "seedrandom";' } },
    { finds: ["src/kvm/a.ts:1"], files: { "src/kvm/a.ts": 'import "../selinux/b.ts";' } },
    { finds: ["src/selinux/a.ts:1"], files: { "src/selinux/a.ts": 'import "../kvm/b.ts";' } },
    { finds: ["src/qemu/a.ts:1"], files: { "src/qemu/a.ts": 'import "../kvm/vcpu.ts";' } },
    { finds: ["src/libvirt/a.ts:1"], files: { "src/libvirt/a.ts": 'import "../qemu/b.ts";' } },
    {
      finds: ["src/libvirt/a.ts:1"],
      files: { "src/libvirt/a.ts": 'import "../kvm/ioctls/b.ts";' },
    },
    { finds: ["src/guests/a.ts:1"], files: { "src/guests/a.ts": 'import "../linux/b.ts";' } },
    { finds: ["src/cli/a.ts:1"], files: { "src/cli/a.ts": 'import "../sim/time.ts";' } },
    { finds: ["src/cli/a.ts:1"], files: { "src/cli/a.ts": 'import "../../properties/sim/b.ts";' } },
    { finds: ["src/api/a.ts:1"], files: { "src/api/a.ts": 'import "../../properties/index.ts";' } },
    { finds: ["src/api/a.ts:1"], files: { "src/api/a.ts": 'import "../cli/main.ts";' } },
    { finds: ["src/sim/a.ts:1"], files: { "src/sim/a.ts": 'import "./b.test.ts";' } },
    { finds: ["src/sim/a.ts:1"], files: { "src/sim/a.ts": 'import { expect } from "vitest";' } },
    { finds: ["src/sim/a.ts:1"], files: { "src/sim/a.ts": 'import "../b.ts";' } },
    { finds: ["src/sim/a.ts:1"], files: { "src/sim/a.ts": 'import "kvmsim";' } },
    {
      finds: ["src/sim/a.test.ts:1"],
      files: { "src/sim/a.test.ts": 'import "../../properties/support/b.ts";' },
    },
    { finds: ["web/a.ts:1"], files: { "web/a.ts": 'import "../src/sim/time.ts";' } },
    { finds: ["examples/a.ts:1"], files: { "examples/a.ts": 'import "../src/hw/b.ts";' } },
    {
      files: {
        "src/sim/a.ts": 'import seedrandom from "seedrandom/lib/alea.js"; import "./toy/b.ts";',
        "src/sim/comment.ts": '// import "../hw/b.ts";\nconst text = \'import "../hw/b.ts"\';',
        "src/sim/a.test.ts": 'import { test } from "vitest"; import fc from "fast-check";',
        "src/qemu/a.ts": 'import { KVM_RUN } from "../kvm/ioctls/KVM_RUN.ts";',
        "src/libvirt/a.ts": 'import "../qemu/qmp/quit.ts"; import "../selinux/b.ts";',
        "src/guests/a.ts": 'import "../hw/cpu/b.ts"; import "iced-x86";',
        "src/api/a.ts": 'import "../guests/b.ts"; import "../libvirt/b.ts"; import "node:fs";',
        "src/cli/a.ts": 'import "../api/index.ts"; import "../../properties/index.ts";',
        "web/a.ts": 'import "../src/api/index.ts";',
        "examples/a.ts": 'import { host } from "kvmsim";',
      },
    },
  ],

  determinism: [
    ...[
      "const now = Date.now();",
      "const when: Date = x;",
      "const n = Math.random();",
      "const n = Math.sin(x);",
      'const n = Math["pow"](2, x);',
      "const { exp } = Math;",
      "const m = Math;",
      "const n = 2 ** x;",
      "const n = 3 ** 2;",
      "const n = 2 ** 0.5;",
      "const n = 2 ** 1024;",
      "function f(n: number) { n **= 2; }",
      "setTimeout(f, 1);",
      "setInterval(f, 1);",
      "setImmediate(f);",
      "queueMicrotask(f);",
      "performance.now();",
      "process.exit(1);",
      'fetch("x");',
      "crypto.getRandomValues(x);",
      "console.log(x);",
      "new Promise(f);",
      "type Later = Promise<void>;",
      "async function f() {}",
      "const f = async () => {};",
      "await x;",
      "async function f() { for await (const x of y) g(x); }",
      "function* f() {}",
      "const o = { *f() {} };",
      "for (const key in x) f(key);",
      "x.sort();",
      "x.toSorted();",
      "a.localeCompare(b);",
      "a.toLocaleString();",
      'new Intl.Collator("en");',
      "new WeakRef(x);",
      "new FinalizationRegistry(f);",
      "globalThis.x = 1;",
      'eval("x");',
      'new Function("x");',
      "let counter = 0;",
      "export let counter = 0;",
      "const o = { Date };",
    ].map((text) => ({ finds: ["src/hw/a.ts:2"], files: { "src/hw/a.ts": `/** A. */\n${text}` } })),
    {
      finds: ["src/sim/host.d.ts:1"],
      files: { "src/sim/host.d.ts": "declare function f(then: typeof setTimeout): void;" },
    },
    {
      files: {
        "src/sim/said.ts": "// Date, Math.random\nconst text = `Date ${1} process await`;",
        "src/sim/member.ts": "const t = entry.process.fetch; const o = { Date: 1, process: 2 };",
        "src/linux/task.ts": "export function exit(process: Task) { return process.pid; }",
        "src/linux/bind.ts": "for (const [pid, process] of tasks) f(pid, process);",
        "src/sim/exact.ts": "const n = Math.imul(2, 3) + Math.floor(Math.sqrt(x));",
        "src/sim/big.ts":
          "const n = 2n ** bits; const k = 2 ** 32; const m = BigInt(x) ** k; function f(b: bigint) { b **= 2n; }",
        "src/sim/sort.ts": "x.sort((a, b) => a - b); for (const e of new Map()) f(e);",
        "src/sim/local.ts":
          "export function f() { let n = 0; for (let i = 0; i < 3; i++) n += i; return n; }",
        "src/sim/a.test.ts": "async function f() { await Promise.resolve(Date.now()); }",
        "src/api/a.ts": "let x = Date.now(); await Promise.resolve();",
      },
    },
  ],

  "file length": [
    { finds: ["src/sim/a.ts:501"], files: { "src/sim/a.ts": "//\n".repeat(501).trimEnd() } },
    { files: { "src/sim/a.ts": "//\n".repeat(500), "docs/a.md": "x\n".repeat(900) } },
  ],

  "function length": [
    {
      finds: ["src/sim/a.ts:2"],
      files: { "src/sim/a.ts": `\nfunction f() {${"\n".repeat(70)}}` },
    },
    {
      finds: ["src/sim/a.ts:1"],
      files: { "src/sim/a.ts": `const f = () => {${"\n".repeat(70)}}` },
    },
    {
      files: {
        "src/sim/a.ts": `function f() {${"\n".repeat(69)}}`,
        "src/sim/a.test.ts": `describe("x", () => {${"\n".repeat(200)}});`,
      },
    },
  ],

  "file documentation": [
    { finds: ["src/sim/a.ts:1"], files: { "src/sim/a.ts": "export const a = 1;" } },
    { finds: ["src/sim/a.ts:1"], files: { "src/sim/a.ts": "// A comment.\nexport const a = 1;" } },
    { finds: ["src/sim/a.ts:1"], files: { "src/sim/a.ts": "export const a = 1;\n/** Late. */" } },
    { finds: ["src/sim/a.ts:1"], files: { "src/sim/a.ts": "/** */\nexport const a = 1;" } },
    {
      files: {
        "src/sim/a.ts": "/** Virtual time. */\nexport const a = 1;",
        "src/cli/main.ts": "#!/usr/bin/env node\n/** The command. */\nrun();",
      },
    },
  ],

  "file citations": [
    {
      finds: ["src/hw/cpu/isa/ADD.ts:1"],
      files: { "src/hw/cpu/isa/ADD.ts": "/** ADD: integer add. */" },
    },
    { finds: ["src/hw/chips/i8254.ts:1"], files: { "src/hw/chips/i8254.ts": "/** A timer. */" } },
    {
      finds: ["src/kvm/ioctls/KVM_RUN.ts:1"],
      files: { "src/kvm/ioctls/KVM_RUN.ts": "/** Runs a vCPU. */\n// KVM API, KVM_RUN" },
    },
    {
      files: {
        "src/hw/cpu/isa/ADD.ts": '/** ADD: integer add. SDM Vol. 2A, "ADD—Add". */',
        "src/hw/chips/i8254.ts": "/**\n * A timer.\n * 82C54 data sheet (Intel, 1993), Mode 0\n */",
        "src/hw/chips/index.ts": "/** Every chip. */",
        "src/kvm/ioctls/KVM_RUN.ts": "/** KVM API, KVM_RUN. */",
      },
    },
  ],

  "law citations": [
    ...['cites: ""', "cites: []", "cited: 1", "cites: undefined", 'cites: ["SDM", ""]'].map(
      (cites) => ({
        finds: ["properties/a.property.ts:1"],
        files: { "properties/a.property.ts": law(cites) },
      }),
    ),
    { finds: ["properties/a.property.ts:1"], files: { "properties/a.property.ts": "run();" } },
    {
      files: {
        "properties/a.property.ts": law('cites: "SDM Vol. 1, Flags"'),
        "properties/b.property.ts": law('cites: ["DESIGN, Time", "SDM"]'),
        "properties/c.property.ts": law("cites: `SDM ${volume}`"),
      },
    },
  ],

  words: [
    ...[
      join("see /wo", "rk/notes"),
      join("`/ro", "ot/.config`"),
      join("(/tm", "p/x)"),
      join("/home/", "ann/kvmsim"),
      join("/Users/", "ann"),
      join("C:\\Users", "\\ann"),
      join("https://registry", ".example.org/x"),
      join("https://npm-mirror", ".example.org/x").replace("npm-", ""),
      join("fixes issue ", "#12"),
      join("in this ", "session"),
    ].map((text) => ({ finds: ["README.md:1"], files: { "README.md": text } })),
    {
      files: {
        "README.md":
          "a session of libvirt (qemu:///session), src/tmp/x, https://example.org/root/a",
        "src/selinux/paths.ts": join('"/ro', 'ot/.ssh"'),
      },
    },
  ],

  "laws index": [
    {
      finds: ["properties/index.ts:1"],
      files: { "properties/index.ts": "", "properties/sim/a.property.ts": "" },
    },
    {
      finds: ["properties/index.ts:1"],
      files: { "properties/index.ts": 'import "./sim/gone.property.ts";' },
    },
    {
      finds: ["properties/index.ts:2"],
      files: {
        "properties/index.ts": 'import "./a.property.ts";\nimport "./a.property.ts";',
        "properties/a.property.ts": "",
      },
    },
    {
      finds: ["properties/index.ts:1"],
      files: {
        "properties/index.ts": '// import "./a.property.ts";',
        "properties/a.property.ts": "",
      },
    },
    {
      files: {
        "properties/index.ts": 'import "./support/law.ts";\nimport "./sim/a.property.ts";',
        "properties/sim/a.property.ts": "",
      },
    },
  ],

  "laws have an index": [
    { finds: ["properties/a.property.ts:1"], files: { "properties/a.property.ts": "" } },
    { files: { "properties/a.property.ts": "", "properties/index.ts": "" } },
  ],

  "test habits": [
    ...['test.skip("x", f);', 'it.only("x", f);', "describe.todo;", 'vi.mock("./a.ts");'].map(
      (text) => ({ finds: ["src/a.test.ts:1"], files: { "src/a.test.ts": text } }),
    ),
    { files: { "src/a.test.ts": 'test("x", f); queue.skip(3); // test.skip' } },
  ],
};

describe("planted violations", () => {
  for (const rule of RULES) {
    describe(rule.name, () => {
      const planted = PLANTED[rule.name] ?? [];
      test.for(planted)("%j", ({ files, finds = [] }) => {
        const sources: readonly Source[] = Object.entries(files).map(([path, text]) => ({
          path,
          text,
        }));
        const found = checkRule(rule, sources).map(({ path, line }) => `${path}:${line}`);
        expect([...new Set(found)]).toEqual(finds);
      });
      test("has violations and innocents planted", () => {
        expect(planted.some(({ finds }) => finds !== undefined)).toBe(true);
        expect(planted.some(({ finds }) => finds === undefined)).toBe(rule.name !== "known layers");
      });
    });
  }
});

test("powers of two with a written exponent are exact here", () => {
  let exact = 1;
  for (let exponent = 0; exponent <= 1023; exponent += 1) {
    expect(2 ** exponent).toBe(exact);
    exact *= 2;
  }
});
