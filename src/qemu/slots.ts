/** Memory slots of a VM, by ioctls. Linux, Documentation/virt/kvm/api.rst, "KVM_SET_USER_MEMORY_REGION", "KVM_GET_DIRTY_LOG". */

import { isErrno } from "../linux/errno.ts";
import { assert } from "../sim/assert.ts";
import { PAGE_SIZE } from "../sim/paged-memory.ts";
import type { Slots } from "./guest-memory.ts";
import type { KvmCalls } from "./kvm-calls.ts";

const [KVM_MEM_LOG_DIRTY_PAGES, KVM_MEM_READONLY] = [1, 2];

export const slotsOf = (calls: KvmCalls, vm: number): Slots => ({
  set(slot, { at, bytes, from, readOnly }, logs) {
    calls.call(vm, "KVM_SET_USER_MEMORY_REGION", {
      slot,
      flags: (readOnly ? KVM_MEM_READONLY : 0) | (logs ? KVM_MEM_LOG_DIRTY_PAGES : 0),
      guest_phys_addr: BigInt(at),
      memory_size: BigInt(bytes),
      userspace_addr: BigInt(from),
    });
  },
  log(slot, bytes) {
    const { memory } = calls.task;
    // Words of 64 bits, a bit for each page.
    const size = 8 * Math.ceil(bytes / PAGE_SIZE / 64);
    const address = memory.map(size);
    calls.call(vm, "KVM_GET_DIRTY_LOG", { slot, dirty_bitmap: BigInt(address) });
    const bitmap = memory.read(address, size);
    assert(!isErrno(bitmap), "the kernel has written it");
    memory.unmap(address, size);
    return bitmap;
  },
});
