/*
 * A hypervisor in user space, as small as they come: through /dev/kvm it runs real-mode code and 64-bit code in a
 * virtual machine, serves what they do to ports and to memory that is not there, and says OK when all was as it
 * should be. Linux, Documentation/virt/kvm/api.rst.
 */

#include <fcntl.h>
#include <linux/kvm.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

enum { RAM = 0x200000, CODE = 0x1000, TABLES = 0x10000, PORT = 0x3f8 };
/* Beyond RAM for 64-bit code, between two slots for real mode. */
enum { DEVICE = 0x20000000, HOLE = 0x80000 };

/* mov dx, 3F8h; mov al, 'r'; out dx, al; in al, dx; add al, 1; mov bx, 8000h; mov ds, bx; mov [0], al; mov cl, [1];
   mov al, cl; out dx, al; hlt */
static const uint8_t real_mode[] = {
    0xba, 0xf8, 0x03, 0xb0, 'r', 0xee, 0xec, 0x04, 0x01, 0xbb, 0x00, 0x80, 0x8e, 0xdb,
    0xa2, 0x00, 0x00, 0x8a, 0x0e, 0x01, 0x00, 0x88, 0xc8, 0xee, 0xf4,
};

/* mov rbx, 20000000h; mov rax, 1122334455667788h; mov [rbx], rax; mov rcx, [rbx + 8]; add rcx, rax; mov edx, 3F8h;
   mov al, 'l'; out dx, al; hlt */
static const uint8_t long_mode[] = {
    0x48, 0xbb, 0x00, 0x00, 0x00, 0x20, 0,    0,    0,    0,    0x48, 0xb8, 0x88, 0x77, 0x66,
    0x55, 0x44, 0x33, 0x22, 0x11, 0x48, 0x89, 0x03, 0x48, 0x8b, 0x4b, 0x08, 0x48, 0x01, 0xc1,
    0xba, 0xf8, 0x03, 0x00, 0x00, 0xb0, 'l',  0xee, 0xf4,
};

static int vm, vcpu;
static struct kvm_run *run;
static uint8_t *ram;
static char seen[64];
static size_t count;

static void note(char what) {
    if (count + 1 < sizeof seen) seen[count++] = what;
}

static int fail(const char *what) {
    perror(what);
    return 1;
}

static void map(int slot, uint64_t at, uint64_t bytes) {
    struct kvm_userspace_memory_region region = {
        .slot = slot,
        .guest_phys_addr = at,
        .memory_size = bytes,
        .userspace_addr = (uintptr_t)ram + at,
    };
    if (ioctl(vm, KVM_SET_USER_MEMORY_REGION, &region) < 0) perror("KVM_SET_USER_MEMORY_REGION");
}

static void serve_port(void) {
    uint8_t *data = (uint8_t *)run + run->io.data_offset;
    if (run->io.port != PORT || run->io.size != 1) note('?');
    else if (run->io.direction == KVM_EXIT_IO_OUT) note(*data);
    else *data = 'd';
}

static void serve_memory(void) {
    if (run->mmio.is_write) {
        note(run->mmio.len == 8 ? 'W' : 'w');
        note(run->mmio.data[0]);
    } else {
        memset(run->mmio.data, 0, sizeof run->mmio.data);
        run->mmio.data[0] = 'm';
        note(run->mmio.len == 8 ? 'R' : 'x');
    }
}

/* Runs to HLT; 0 when nothing else happened. */
static int go(void) {
    for (;;) {
        if (ioctl(vcpu, KVM_RUN, 0) < 0) return fail("KVM_RUN");
        switch (run->exit_reason) {
        case KVM_EXIT_HLT:
            return 0;
        case KVM_EXIT_IO:
            serve_port();
            break;
        case KVM_EXIT_MMIO:
            serve_memory();
            break;
        default:
            printf("exit %u, hardware %llx\n", run->exit_reason,
                   (unsigned long long)run->hw.hardware_exit_reason);
            return 1;
        }
    }
}

static int expect(const char *what) {
    seen[count] = 0;
    count = 0;
    if (strcmp(seen, what) == 0) return 0;
    printf("expected %s, not %s\n", what, seen);
    return 1;
}

static int real(void) {
    struct kvm_sregs sregs;
    struct kvm_regs regs = {.rip = CODE, .rflags = 2};
    memcpy(ram + CODE, real_mode, sizeof real_mode);
    if (ioctl(vcpu, KVM_GET_SREGS, &sregs) < 0) return fail("KVM_GET_SREGS");
    sregs.cs.base = 0;
    sregs.cs.selector = 0;
    if (ioctl(vcpu, KVM_SET_SREGS, &sregs) < 0) return fail("KVM_SET_SREGS");
    if (ioctl(vcpu, KVM_SET_REGS, &regs) < 0) return fail("KVM_SET_REGS");
    return go() || expect("rwexm");
}

static int wide(void) {
    uint64_t *tables = (uint64_t *)(ram + TABLES);
    struct kvm_sregs sregs;
    struct kvm_regs regs = {.rip = CODE, .rflags = 2, .rsp = TABLES};
    struct kvm_segment code = {
        .limit = 0xffffffff, .selector = 8, .type = 11, .present = 1, .s = 1, .l = 1, .g = 1,
    };
    struct kvm_segment data = code;
    memcpy(ram + CODE, long_mode, sizeof long_mode);
    tables[0] = (TABLES + 0x1000) | 3;
    tables[512] = 0x83;
    if (ioctl(vcpu, KVM_GET_SREGS, &sregs) < 0) return fail("KVM_GET_SREGS");
    data.type = 3;
    data.l = 0;
    data.db = 1;
    data.selector = 16;
    sregs.cs = code;
    sregs.ds = sregs.es = sregs.fs = sregs.gs = sregs.ss = data;
    sregs.cr3 = TABLES;
    sregs.cr4 = 1 << 5;
    sregs.cr0 = 0x80000011;
    sregs.efer = 0x500;
    if (ioctl(vcpu, KVM_SET_SREGS, &sregs) < 0) return fail("KVM_SET_SREGS");
    if (ioctl(vcpu, KVM_SET_REGS, &regs) < 0) return fail("KVM_SET_REGS");
    if (go()) return 1;
    if (ioctl(vcpu, KVM_GET_REGS, &regs) < 0) return fail("KVM_GET_REGS");
    if (regs.rcx != 0x1122334455667788 + 'm') {
        printf("rcx %llx\n", (unsigned long long)regs.rcx);
        return 1;
    }
    return expect("W\x88Rl");
}

/* The leaves that this machine has, long mode among them. */
static int give_cpuid(int kvm) {
    static struct {
        struct kvm_cpuid2 head;
        struct kvm_cpuid_entry2 entries[100];
    } leaves = {.head.nent = 100};
    if (ioctl(kvm, KVM_GET_SUPPORTED_CPUID, &leaves) < 0) return fail("KVM_GET_SUPPORTED_CPUID");
    if (ioctl(vcpu, KVM_SET_CPUID2, &leaves) < 0) return fail("KVM_SET_CPUID2");
    return 0;
}

int main(void) {
    int kvm = open("/dev/kvm", O_RDWR);
    if (kvm < 0) return fail("/dev/kvm");
    if (ioctl(kvm, KVM_GET_API_VERSION, 0) != KVM_API_VERSION) return fail("KVM_GET_API_VERSION");
    vm = ioctl(kvm, KVM_CREATE_VM, 0);
    if (vm < 0) return fail("KVM_CREATE_VM");
    if (ioctl(vm, KVM_SET_TSS_ADDR, 0xfffbd000) < 0) return fail("KVM_SET_TSS_ADDR");
    ram = mmap(NULL, RAM, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (ram == MAP_FAILED) return fail("mmap");
    map(0, 0, HOLE);
    map(1, HOLE + 0x1000, RAM - HOLE - 0x1000);
    vcpu = ioctl(vm, KVM_CREATE_VCPU, 0);
    if (vcpu < 0) return fail("KVM_CREATE_VCPU");
    run = mmap(NULL, ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0), PROT_READ | PROT_WRITE, MAP_SHARED, vcpu, 0);
    if (run == MAP_FAILED) return fail("mmap of the vCPU");
    if (give_cpuid(kvm)) return 1;
    if (real()) return 1;
    puts("kvm: real mode OK");
    if (wide()) return 1;
    puts("kvm: 64-bit mode OK");
    return 0;
}
