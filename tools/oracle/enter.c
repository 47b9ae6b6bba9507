/*
 * Entering a case and coming back: the assembly that loads the state, the signal handler that collects
 * it, and the process around them (signals, system call filter). See oracle.c.
 */
#define _GNU_SOURCE
#include "oracle.h"

#include <cpuid.h>
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

struct current_case current;
struct seen_state seen;
uint32_t avx_offset;

/* ---- The state that the assembly below loads and stores; its names are used there. ---- */

__attribute__((used)) uint64_t oracle_gpr[16];
__attribute__((used, aligned(16))) struct iret_frame oracle_iret_frame;
__attribute__((used)) uint64_t oracle_case_fs_base, oracle_case_gs_base;
__attribute__((used)) uint64_t oracle_seen_fs_base, oracle_seen_gs_base;
__attribute__((used)) uint32_t oracle_seen_ds, oracle_seen_es, oracle_seen_fs, oracle_seen_gs;
__attribute__((used)) uint64_t oracle_own_rsp, oracle_own_fs_base;
__attribute__((used, aligned(64))) uint8_t oracle_xsave_in[XSAVE_BYTES_MAX];

/* The signal handler: saves what the frame lacks, gives libc its FS base back, then collects. */
void oracle_on_signal(int, siginfo_t *, void *);
int oracle_collect(int, siginfo_t *, ucontext_t *);

__asm__(
    ".text\n"
    ".globl oracle_launch\n"
    ".type oracle_launch, @function\n"
    "oracle_launch:\n"
    "  push %rbx\n  push %rbp\n  push %r12\n  push %r13\n  push %r14\n  push %r15\n"
    "  mov %rsp, oracle_own_rsp(%rip)\n"
    /* Components absent from the header's XSTATE_BV (AVX-512 and the like) go to their initial state. */
    "  mov $-1, %eax\n"
    "  mov %eax, %edx\n"
    "  xrstor64 oracle_xsave_in(%rip)\n"
    "  mov $0x2B, %eax\n"
    "  mov %eax, %ds\n  mov %eax, %es\n  mov %eax, %fs\n  mov %eax, %gs\n"
    /* From here to the handler no code may use thread-local storage. */
    "  mov oracle_case_fs_base(%rip), %rax\n  wrfsbase %rax\n"
    "  mov oracle_case_gs_base(%rip), %rax\n  wrgsbase %rax\n"
    "  mov oracle_gpr+0(%rip), %rax\n"
    "  mov oracle_gpr+8(%rip), %rcx\n"
    "  mov oracle_gpr+16(%rip), %rdx\n"
    "  mov oracle_gpr+24(%rip), %rbx\n"
    "  mov oracle_gpr+40(%rip), %rbp\n"
    "  mov oracle_gpr+48(%rip), %rsi\n"
    "  mov oracle_gpr+56(%rip), %rdi\n"
    "  mov oracle_gpr+64(%rip), %r8\n"
    "  mov oracle_gpr+72(%rip), %r9\n"
    "  mov oracle_gpr+80(%rip), %r10\n"
    "  mov oracle_gpr+88(%rip), %r11\n"
    "  mov oracle_gpr+96(%rip), %r12\n"
    "  mov oracle_gpr+104(%rip), %r13\n"
    "  mov oracle_gpr+112(%rip), %r14\n"
    "  mov oracle_gpr+120(%rip), %r15\n"
    "  lea oracle_iret_frame(%rip), %rsp\n"
    "  iretq\n"

    ".globl oracle_on_signal\n"
    ".type oracle_on_signal, @function\n"
    "oracle_on_signal:\n"
    /* The case's AC, NT and ID are still in force here. */
    "  pushq $2\n  popfq\n"
    "  rdfsbase %rax\n  mov %rax, oracle_seen_fs_base(%rip)\n"
    "  rdgsbase %rax\n  mov %rax, oracle_seen_gs_base(%rip)\n"
    "  mov %ds, %eax\n  mov %eax, oracle_seen_ds(%rip)\n"
    "  mov %es, %eax\n  mov %eax, oracle_seen_es(%rip)\n"
    "  mov %fs, %eax\n  mov %eax, oracle_seen_fs(%rip)\n"
    "  mov %gs, %eax\n  mov %eax, oracle_seen_gs(%rip)\n"
    "  mov oracle_own_fs_base(%rip), %rax\n  wrfsbase %rax\n"
    "  sub $8, %rsp\n"
    "  call oracle_collect\n"
    "  add $8, %rsp\n"
    "  test %eax, %eax\n"
    "  jz 1f\n"
    /* Step on: rt_sigreturn restores everything but the FS base. */
    "  mov oracle_seen_fs_base(%rip), %rax\n  wrfsbase %rax\n"
    "  ret\n"
    "1:\n"
    "  mov oracle_own_rsp(%rip), %rsp\n"
    "  pop %r15\n  pop %r14\n  pop %r13\n  pop %r12\n  pop %rbp\n  pop %rbx\n"
    "  ret\n");

/* ---- After the instruction. ---- */

static const int gregs_in_record_order[16] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP,
                                              REG_RSI, REG_RDI, REG_R8,  REG_R9,  REG_R10, REG_R11,
                                              REG_R12, REG_R13, REG_R14, REG_R15};

static void collect_fp(const uint8_t *fp) {
  memcpy(seen.fx, fp, FX_STATE_BYTES);
  memset(seen.fx + FX_MXCSR_MASK, 0, 4);
  memset(seen.ymm, 0, YMM_BYTES);
  seen.flags = current.flags & HAS_YMM;

  /* The kernel says in the bytes left to software whether an XSAVE area follows the legacy image. */
  struct _fpx_sw_bytes software;
  memcpy(&software, fp + 464, sizeof software);
  if (software.magic1 != 0x46505853) return;
  uint64_t xstate_bv;
  memcpy(&xstate_bv, fp + XSAVE_HEADER, 8);
  if (avx_offset != 0 && (xstate_bv & XSTATE_AVX)) memcpy(seen.ymm, fp + avx_offset, YMM_BYTES);
  /* Bits 5 to 7, AVX-512, and 17, 18, AMX. PKRU (9) is always there and is the kernel's. */
  if (xstate_bv & 0x600E0) seen.flags |= TOUCHED_EXTENDED;
}

/* Returns 1 to step on, 0 when the case is over. Runs on the alternate stack. */
int oracle_collect(int signal_number, siginfo_t *info, ucontext_t *context) {
  greg_t *registers = context->uc_mcontext.gregs;
  if (!current.running)
    stop(3, "signal %d outside of a case, at %#llx", signal_number,
         (unsigned long long)registers[REG_RIP]);
  uint64_t rip = (uint64_t)registers[REG_RIP];

  if (signal_number == SIGSYS) {
    seen.outcome = REFUSED;
  } else if (signal_number == SIGTRAP && info->si_code == TRAP_TRACE) {
    seen.steps++;
    int stopped = (current.flags & STOP_AT_END_RIP) ? rip == current.end_rip
                  : (current.flags & STOP_WHEN_RIP_LEAVES) ? rip != current.start_rip
                                                           : seen.steps == current.steps_max;
    if (!stopped && seen.steps < current.steps_max) {
      registers[REG_EFL] |= FLAG_TF;
      return 1;
    }
    seen.outcome = stopped ? COMPLETED : STEP_LIMIT;
  } else {
    seen.outcome = FAULT;
    seen.vector = (uint8_t)registers[REG_TRAPNO];
    seen.error_code = (uint32_t)registers[REG_ERR];
    if (seen.vector == VECTOR_PF) seen.cr2 = (uint64_t)registers[REG_CR2];
  }

  seen.rip = rip;
  seen.rflags = (uint64_t)registers[REG_EFL];
  for (int i = 0; i < 16; i++) seen.gpr[i] = (uint64_t)registers[gregs_in_record_order[i]];
  seen.fs_base = oracle_seen_fs_base;
  seen.gs_base = oracle_seen_gs_base;
  /* CS, GS, FS and SS share a slot; GS and FS in it are always 0. */
  seen.cs = (uint16_t)registers[REG_CSGSFS];
  seen.ss = (uint16_t)((uint64_t)registers[REG_CSGSFS] >> 48);
  seen.ds = (uint16_t)oracle_seen_ds;
  seen.es = (uint16_t)oracle_seen_es;
  seen.fs = (uint16_t)oracle_seen_fs;
  seen.gs = (uint16_t)oracle_seen_gs;
  collect_fp((const uint8_t *)context->uc_mcontext.fpregs);
  current.running = 0;
  return 0;
}

/* ---- Setting up. ---- */

static void catch_signals(void) {
  static uint8_t stack_memory[256 * 1024] __attribute__((aligned(64)));
  stack_t stack = {.ss_sp = stack_memory, .ss_size = sizeof stack_memory};
  if (sigaltstack(&stack, NULL) != 0) stop(3, "no alternate signal stack: %s", strerror(errno));
  /* SA_NODEFER: we leave the handler without sigreturn, so nothing would unblock the signal. */
  struct sigaction action = {.sa_sigaction = oracle_on_signal,
                             .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
  static const int signals[] = {SIGTRAP, SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGSYS};
  for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++)
    if (sigaction(signals[i], &action, NULL) != 0) stop(3, "no signal handler: %s", strerror(errno));
}

/* A system call from the low 4 GiB or by a 32-bit entry comes from a case: answer it with SIGSYS. */
static void refuse_system_calls(void) {
#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define ALLOW_IF(number) \
  BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)
#define TRAP BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP)
  struct sock_filter filter[] = {
      LOAD(arch),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0),
      TRAP,
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, instruction_pointer) + 4),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 1),
      TRAP,
      LOAD(nr),
      ALLOW_IF(SYS_rt_sigreturn),
      ALLOW_IF(SYS_read),
      ALLOW_IF(SYS_write),
      ALLOW_IF(SYS_exit_group),
      TRAP,
  };
  struct sock_fprog program = {.len = sizeof filter / sizeof filter[0], .filter = filter};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
      (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_SPEC_ALLOW, &program) != 0 &&
       syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) != 0))
    stop(3, "cannot install the system call filter: %s", strerror(errno));
}

static void check_cpu(void) {
  unsigned a, b, c, d;
  if (!(getauxval(AT_HWCAP2) & 2)) stop(3, "this kernel or CPU does not let programs use WRFSBASE");
  if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_OSXSAVE)) stop(3, "this CPU or kernel has no XSAVE");
  unsigned avx = c & bit_AVX;
  __cpuid_count(0xD, 0, a, b, c, d);
  if (b > XSAVE_BYTES_MAX) stop(3, "an XSAVE area takes %u bytes; at most %u are foreseen", b, XSAVE_BYTES_MAX);
  if (avx && (a & XSTATE_AVX)) {
    __cpuid_count(0xD, 2, a, b, c, d);
    avx_offset = b;
  }
  __asm__ volatile("rdfsbase %0" : "=r"(oracle_own_fs_base));
}

void prepare_process(void) {
  check_cpu();
  struct rlimit no_core = {0, 0};
  setrlimit(RLIMIT_CORE, &no_core);
  catch_signals();
  refuse_system_calls();
}
