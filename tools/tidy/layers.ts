/** A layer imports only the layers below it, and only through the doors named here. */

import { importsOf, resolveImport } from "./imports.ts";
import {
  type Finding,
  findingAt,
  isBelowApi,
  isTest,
  isTypeScript,
  type Rule,
  type Source,
} from "./source.ts";

/** Path prefixes that files of a layer may import, besides files of the layer itself. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  "src/sim/": [],
  "src/hw/": ["src/sim/"],
  "src/linux/": ["src/hw/", "src/sim/"],
  "src/selinux/": ["src/linux/", "src/sim/"],
  "src/kvm/": ["src/linux/", "src/hw/", "src/sim/"],
  "src/qemu/": ["src/kvm/ioctls/", "src/linux/", "src/hw/", "src/sim/"],
  "src/libvirt/": ["src/qemu/qmp/", "src/selinux/", "src/linux/", "src/sim/"],
  "src/guests/": ["src/hw/", "src/sim/"],
  "src/api/": [
    "src/libvirt/",
    "src/qemu/",
    "src/kvm/",
    "src/selinux/",
    "src/linux/",
    "src/guests/",
    "src/hw/",
    "src/sim/",
  ],
  // The command runs the laws.
  "src/cli/": ["src/api/", "properties/index.ts", "properties/support/"],
  "web/": ["src/api/"],
  "examples/": ["src/api/"],
};

/** Packages that the simulated world may use; each must be deterministic and free of the host. */
const PACKAGES_BELOW_API: Readonly<Record<string, readonly string[]>> = {
  "src/sim/": ["seedrandom"],
  "src/guests/": ["iced-x86"],
};

const PACKAGES_IN_TESTS: readonly string[] = ["vitest", "fast-check", "iced-x86", "wabt"];

export const layers: Rule = {
  name: "layers",
  looksAt: (path) => isTypeScript(path) && layerOf(path) !== undefined,
  check: (source) => {
    const layer = layerOf(source.path);
    if (layer === undefined) {
      return [findingAt(source, 0, "this folder of src/ is not a layer: see ARCHITECTURE.md")];
    }
    return importsOf(source).flatMap(({ specifier, offset }) => {
      const complaint = complaintAbout(source, layer, specifier);
      return complaint === undefined ? [] : [findingAt(source, offset, complaint)];
    });
  },
};

/** Every folder of src/ must be a layer, or its files would be nobody's business. */
export const knownLayers: Rule = {
  name: "known layers",
  looksAt: (path) => path.startsWith("src/") && isTypeScript(path),
  check: (source): readonly Finding[] =>
    layerOf(source.path) === undefined
      ? [findingAt(source, 0, "belongs to no layer: add its folder to tools/tidy/layers.ts")]
      : [],
};

function layerOf(path: string): string | undefined {
  return Object.keys(MAY_IMPORT).find((layer) => path.startsWith(layer));
}

function complaintAbout(
  source: Source,
  layer: string,
  specifier: string | undefined,
): string | undefined {
  if (specifier === undefined) return "a computed import cannot be checked: write the path out";
  const target = resolveImport(source.path, specifier);
  if (target === undefined) return packageComplaint(source.path, layer, specifier);
  if (isTest(target) && !isTest(source.path)) return `sources do not import tests (${specifier})`;
  if (target.startsWith(layer)) return undefined;
  if ((MAY_IMPORT[layer] ?? []).some((allowed) => target.startsWith(allowed))) return undefined;
  return `${layer} may not import ${target}`;
}

function packageComplaint(path: string, layer: string, specifier: string): string | undefined {
  const name = packageName(specifier);
  if (name === "kvmsim") {
    return layer === "web/" || layer === "examples/"
      ? undefined
      : `${layer} names the package itself: import the file`;
  }
  if (!isBelowApi(path)) return undefined;
  if ((PACKAGES_BELOW_API[layer] ?? []).includes(name)) return undefined;
  if (isTest(path) && (PACKAGES_IN_TESTS.includes(name) || specifier.startsWith("node:"))) {
    return undefined;
  }
  return `nothing below api/ imports ${specifier}: it is no part of the simulated world`;
}

function packageName(specifier: string): string {
  const parts = specifier.split("/");
  return parts.slice(0, specifier.startsWith("@") ? 2 : 1).join("/");
}
