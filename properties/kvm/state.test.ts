/** What the module says of itself and of vCPUs: lists of MSRs, capabilities, rates. Linux, Documentation/virt/kvm/api.rst. */

import { describe, expect, it } from "vitest";
import { type Argument, ioctl, type IOCTLS } from "../../src/kvm/ioctls/index.ts";
import { KvmGuest, must, VENDORS } from "../support/kvm-guest.ts";
import { call, savedMsrs } from "../support/kvm-state.ts";

type Name = keyof typeof IOCTLS;

const onDevice = <N extends Name>(guest: KvmGuest, name: N, argument: Argument<N>) =>
  ioctl(guest.caller(), guest.device, name, argument);
const onVm = <N extends Name>(guest: KvmGuest, name: N, argument: Argument<N>) =>
  ioctl(guest.caller(), guest.vm, name, argument);
const room = (count: number): number[] => Array.from({ length: count }, () => 0);
const asked = (indices: readonly number[]) => indices.map((index) => ({ index, data: 0n }));
const capability = (cap: number, value = 0n) => ({ cap, flags: 0, args: [value, 0n, 0n, 0n] });

describe.each([...VENDORS])("the module on %s", (vendor) => {
  const guest = new KvmGuest(vendor, 0x1000);

  it("lists the MSRs that are to be saved, if there is room", () => {
    const list = savedMsrs(guest);
    expect(list).toContain(0xc000_0080);
    expect(list).not.toContain(0xfe);
    expect(onDevice(guest, "KVM_GET_MSR_INDEX_LIST", room(list.length))).toEqual(list);
    expect(onDevice(guest, "KVM_GET_MSR_INDEX_LIST", room(list.length - 1))).toBe("E2BIG");
    expect(must(call(guest, "KVM_GET_MSRS", asked(list))).length).toBe(list.length);
  });

  it("tells of features by MSRs", () => {
    const list = must(onDevice(guest, "KVM_GET_MSR_FEATURE_INDEX_LIST", room(8)));
    expect(list).toEqual(vendor === "intel" ? [0x8b, 0xce, 0x10a] : [0x8b, 0xc001_1029]);
    expect(onDevice(guest, "KVM_GET_MSR_FEATURE_INDEX_LIST", room(1))).toBe("E2BIG");
    const values = must(onDevice(guest, "KVM_GET_MSRS", asked([...list, 0x10, list[0] ?? 0])));
    expect(values).toEqual(call(guest, "KVM_GET_MSRS", asked(list)));
    expect(onDevice(guest, "KVM_GET_MSRS", asked(room(256)))).toBe("E2BIG");
    expect(onVm(guest, "KVM_GET_MSRS", [])).toBe("ENOTTY");
  });

  it("gives CPUID back, if there is room", () => {
    const leaves = must(onDevice(guest, "KVM_GET_SUPPORTED_CPUID", null));
    expect(call(guest, "KVM_SET_CPUID2", leaves)).toBe(0);
    expect(call(guest, "KVM_GET_CPUID2", leaves)).toEqual(leaves);
    expect(call(guest, "KVM_GET_CPUID2", leaves.slice(1))).toBe("E2BIG");
  });

  it("has counters of one rate", () => {
    expect(call(guest, "KVM_GET_TSC_KHZ", null)).toBe(1_000_000);
    expect(call(guest, "KVM_SET_TSC_KHZ", 1_000_250n)).toBe(0);
    expect(call(guest, "KVM_GET_TSC_KHZ", null)).toBe(1_000_250);
    expect(call(guest, "KVM_SET_TSC_KHZ", 0n)).toBe(0);
    expect(call(guest, "KVM_GET_TSC_KHZ", null)).toBe(1_000_000);
  });

  it("says the same of capabilities on a VM as on /dev/kvm", () => {
    for (let cap = 0n; cap < 256n; cap += 1n)
      expect(onVm(guest, "KVM_CHECK_EXTENSION", cap)).toBe(
        onDevice(guest, "KVM_CHECK_EXTENSION", cap),
      );
    expect(onVm(guest, "KVM_CHECK_EXTENSION", 105n)).toBe(1);
    expect(call(guest, "KVM_CHECK_EXTENSION", 105n)).toBe("ENOTTY");
  });

  it("enables what can be enabled", () => {
    expect(call(guest, "KVM_ENABLE_CAP", capability(190, 1n))).toBe(0);
    expect(call(guest, "KVM_SET_SIGNAL_MASK", room(8))).toBe(0);
    expect(onVm(guest, "KVM_ENABLE_CAP", capability(190, 1n))).toBe("EINVAL");
    // IDs are settled by the first vCPU.
    expect(onVm(guest, "KVM_ENABLE_CAP", capability(128, 4096n))).toBe(0);
    expect(onVm(guest, "KVM_ENABLE_CAP", capability(128, 16n))).toBe("EINVAL");
  });

  it("limits the IDs of vCPUs", () => {
    const vm = must(onDevice(guest, "KVM_CREATE_VM", 0n));
    const on = <N extends Name>(name: N, argument: Argument<N>) =>
      ioctl(guest.caller(), vm, name, argument);
    expect(on("KVM_ENABLE_CAP", capability(128, 4097n))).toBe("EINVAL");
    expect(on("KVM_ENABLE_CAP", capability(128, 0n))).toBe(0);
    expect(on("KVM_ENABLE_CAP", capability(128, 2n))).toBe(0);
    expect(on("KVM_ENABLE_CAP", capability(128, 2n))).toBe(0);
    expect(on("KVM_ENABLE_CAP", capability(128, 3n))).toBe("EINVAL");
    expect(on("KVM_CREATE_VCPU", 2n)).toBe("EINVAL");
    expect(typeof on("KVM_CREATE_VCPU", 1n)).toBe("number");
  });

  it("translates nothing where there is no paging", () => {
    const from = { physical_address: 0n, valid: 0, writeable: 0, usermode: 0 };
    const found = must(call(guest, "KVM_TRANSLATE", { ...from, linear_address: 0x1_2345_6789n }));
    expect([found.valid, found.physical_address]).toEqual([1, 0x2345_6789n]);
  });
});
