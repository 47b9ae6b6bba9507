/** Numbers of ioctls against those that a C program has printed with <linux/kvm.h> of Debian 12. */

import { expect, it } from "vitest";
import { IOCTLS } from "../../src/kvm/ioctls/index.ts";

const FROM_KVM_H = {
  KVM_GET_API_VERSION: 0xae00,
  KVM_CREATE_VM: 0xae01,
  KVM_CHECK_EXTENSION: 0xae03,
  KVM_GET_VCPU_MMAP_SIZE: 0xae04,
  KVM_GET_SUPPORTED_CPUID: 0xc008ae05,
  KVM_CREATE_VCPU: 0xae41,
  KVM_SET_USER_MEMORY_REGION: 0x4020ae46,
  KVM_GET_DIRTY_LOG: 0x4010ae42,
  KVM_SET_TSS_ADDR: 0xae47,
  KVM_SET_IDENTITY_MAP_ADDR: 0x4008ae48,
  KVM_RUN: 0xae80,
  KVM_GET_REGS: 0x8090ae81,
  KVM_SET_REGS: 0x4090ae82,
  KVM_GET_SREGS: 0x8138ae83,
  KVM_SET_SREGS: 0x4138ae84,
  KVM_SET_CPUID2: 0x4008ae90,
  KVM_GET_MSRS: 0xc008ae88,
  KVM_SET_MSRS: 0x4008ae89,
};

it("gives ioctls the numbers of linux/kvm.h", () => {
  const ours = Object.values(IOCTLS).map(({ name, number }) => [name, number] as const);
  expect(Object.fromEntries(ours)).toEqual(FROM_KVM_H);
});
