/** A policy at hand: both forms of it, and lines that ask nothing. */

import { expect, test } from "vitest";
import { shippedImage } from "./node.ts";
import { labelsOfPaths } from "./policy-file.ts";
import { SecurityPolicy } from "./security-policy.ts";

const text = shippedImage("svirt")?.bytes ?? new Uint8Array(0);
const GUEST = "system_u:system_r:svirt_t:s0:c1,c2";
const QUERY = `${GUEST} ${GUEST} process signal,ptrace`;

test("text and binary are one policy", () => {
  const policy = SecurityPolicy.open(text, "svirt.cil");
  const binary = SecurityPolicy.open(policy.binary, "svirt.33");
  expect(binary.counts).toEqual(policy.counts);
  expect(binary.version).toBe(33);
  for (const one of [policy, binary]) {
    expect(one.decide(QUERY, "here")).toEqual({ denied: ["ptrace"], permissive: false });
    expect(one.explain(QUERY, "here")?.[0]).toBe(`${GUEST} asks ${GUEST} as process:`);
    expect(one.decide("# nothing", "here")).toBeNull();
    expect(one.explain("", "here")).toBeNull();
  }
});

test("an empty file is no policy", () => {
  expect(() => SecurityPolicy.open(new Uint8Array(0), "empty")).toThrow(
    "empty: offset 0: expected",
  );
});

test("labels of files are those of the text, by path and kind", () => {
  const labelOf = labelsOfPaths(text, "svirt.cil");
  const image = "/var/lib/libvirt/images/a.img";
  expect(labelOf(image, "file")).toBe("system_u:object_r:virt_image_t:s0");
  expect(labelOf("/dev/kvm", "chr_file")).toBe("system_u:object_r:kvm_device_t:s0");
  expect(labelOf("/proc/1", "file")).toBeNull();
  expect(labelOf(image, "process")).toBeNull();
});

test("a binary policy has no labels of files", () => {
  const { binary } = SecurityPolicy.open(text, "svirt.cil");
  expect(() => labelsOfPaths(binary, "svirt.33")).toThrow("svirt.33: a binary policy does not say");
});
