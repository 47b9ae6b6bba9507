/* What the oracle's parts share; oracle.c says what it is all about. */
#ifndef KVMSIM_ORACLE_H
#define KVMSIM_ORACLE_H

#include <stdint.h>

enum {
  PAGE = 4096,
  WINDOW = 0x20000000,
  DATA_AT = 0x0000,
  DATA_BYTES = 2 * PAGE,
  READ_ONLY_AT = 0x4000,
  STACK_AT = 0x6000,
  CODE_AT = 0x8000,

  /* The backing file holds the parts side by side: data, read-only, stack, code. */
  BACKED_READ_ONLY = DATA_BYTES,
  BACKED_STACK = BACKED_READ_ONLY + PAGE,
  BACKED_CODE = BACKED_STACK + PAGE,
  BACKED_BYTES = BACKED_CODE + PAGE,

  CASE_MAGIC = 0x434F564B,   /* "KVOC" */
  RESULT_MAGIC = 0x524F564B, /* "KVOR" */
  VERSION = 1,

  CASE_FIXED_BYTES = 696,
  RESULT_FIXED_BYTES = 712,
  FX_BYTES = 512,
  FX_MXCSR = 24,
  FX_MXCSR_MASK = 28,
  FX_STATE_BYTES = 416,
  YMM_BYTES = 256,
  /* Every byte of the window patched one by one would still fit. */
  RECORD_BYTES_MAX = 160 * 1024,
  BUFFER_BYTES = 1 << 20,

  STOP_WHEN_RIP_LEAVES = 1,
  STOP_AT_END_RIP = 2,
  HAS_YMM = 4,
  TOUCHED_EXTENDED = 8,

  COMPLETED = 0,
  FAULT = 1,
  REFUSED = 2,
  STEP_LIMIT = 3,

  CS_64 = 0x33,
  CS_32 = 0x23,
  DATA_SELECTOR = 0x2B,
  FLAG_TF = 1 << 8,
  /* CF PF AF ZF SF OF, DF, NT, AC and ID: what a user program can choose. */
  FLAGS_ALLOWED = 0x00244CD5,
  FLAGS_FIXED = 0x202, /* bit 1 and IF */

  VECTOR_DB = 1,
  VECTOR_PF = 14,

  XSAVE_HEADER = 512,
  XSAVE_BYTES_MAX = 16384,
  XSTATE_X87_SSE = 3,
  XSTATE_AVX = 4,
};

struct iret_frame {
  uint64_t rip, cs, rflags, rsp, ss;
};

/* What oracle_launch loads. Registers stand in the order of the encoding, RAX = 0 to R15 = 15. */
extern uint64_t oracle_gpr[16];
extern struct iret_frame oracle_iret_frame;
extern uint64_t oracle_case_fs_base, oracle_case_gs_base;
extern uint8_t oracle_xsave_in[XSAVE_BYTES_MAX];

/* The case under way. */
struct current_case {
  int running; /* a signal at any other time is a bug of the oracle or a wish to end it */
  uint8_t flags;
  uint32_t steps_max;
  uint64_t start_rip, end_rip;
};
extern struct current_case current;

/* What the last case came to. */
struct seen_state {
  uint8_t outcome, vector, flags;
  uint32_t steps, error_code;
  uint64_t cr2, rip, rflags, fs_base, gs_base;
  uint64_t gpr[16];
  uint16_t cs, ss, ds, es, fs, gs;
  uint8_t fx[FX_BYTES];
  uint8_t ymm[YMM_BYTES];
};
extern struct seen_state seen;

/* Of the YMM upper halves in an XSAVE area; 0: no AVX. */
extern uint32_t avx_offset;

/* enter.c */
/* Enters the case; returns when the case is over. */
void oracle_launch(void);
/* Makes this process fit for cases; stops with status 3 where it cannot. */
void prepare_process(void);

/* cpuid.c */
void print_cpuid(void);

/* oracle.c: one line on standard error, then exit. */
__attribute__((noreturn, format(printf, 2, 3))) void stop(int status, const char *format, ...);

#endif
