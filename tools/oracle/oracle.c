/*
 * kvmsim native oracle: the CPU of this machine executes one user-mode instruction (or a short run of
 * them) from exactly given state, and the exact resulting state, or the fault, is reported.
 *
 * Part of kvmsim, MIT licence. x86-64 Linux with FSGSBASE and XSAVE; needs nothing but libc.
 *
 *   oracle            reads cases from standard input until its end, writes results to standard output
 *   oracle --cpuid    prints, as JSON, which CPU gives the answers
 *
 * Exit status: 0; 2 for malformed input (one clear line on standard error); 3 when this machine cannot
 * serve as an oracle or when the oracle itself is at fault.
 *
 * HOW. IRETQ loads RIP, CS, RFLAGS with TF set, RSP and SS at once, so a user program can enter any user
 * state, compatibility mode included, without a system call. After one instruction the trap flag raises
 * #DB, and the kernel delivers the whole state in the frame of a SIGTRAP on an alternate stack; a fault
 * comes the same way with its vector, error code and CR2. We leave the handler without sigreturn (the
 * next signal starts at the top of the alternate stack again), so a case costs one kernel entry.
 *
 * THE WINDOW. All memory that a case may touch lies low, so that compatibility mode reaches it; every
 * page not named here is unmapped, so each part has guards on both sides:
 *
 *   0x20000000  8 KiB  data, read and write
 *   0x20004000  4 KiB  data, read only
 *   0x20006000  4 KiB  stack, read and write
 *   0x20008000  4 KiB  code, read and execute; NOP (0x90) wherever the case gives no bytes
 *
 * Before each case the first three hold a background that depends on the case's fill seed: the dword at
 * address A is mix(fillSeed + ((A - 0x20000000) / 4) * 0x9E3779B1), mix being MurmurHash3's 32-bit
 * finaliser; then the case's patches are laid over it.
 *
 * RECORDS are little endian. Both streams begin with 8 bytes: u32 magic, u32 version (1).
 *
 * Case (magic "KVOC"):                         Result (magic "KVOR"), one for each case, in order:
 *     0 u32 bytes in this record                   0 u32 bytes in this record
 *     4 u8  mode: 64, or 32 (CS = 0x23)            4 u8  outcome: 0 completed, 1 fault, 2 refused (the
 *     5 u8  flags: 1 stop when RIP leaves the             code made a system call), 3 step limit
 *           first instruction, 2 stop at endRip,   5 u8  vector of the fault
 *           4 upper halves of YMM are given        6 u8  flags: 4 upper halves of YMM are given,
 *     6 u16 offset of the code in its page                8 state beyond AVX was modified
 *     8 u16 bytes of code                          7 u8  0
 *    10 u16 number of patches                      8 u32 steps: traps taken, i.e. instructions or
 *    12 u32 most steps, at least 1                       iterations of a string instruction completed
 *    16 u32 fill seed                             12 u32 error code
 *    20 u32 0                                     16 u64 CR2, for vector 14 only
 *    24 u64 endRip                                24 u64 RIP
 *    32 u64 RAX RCX RDX RBX RSP RBP RSI RDI R8-15 32 u64 RAX ... R15
 *   160 u64 RFLAGS                               160 u64 RFLAGS as the kernel saw them, TF and RF included
 *   168 u64 FS base                              168 u64 FS base
 *   176 u64 GS base                              176 u64 GS base
 *   184 512 bytes, FXSAVE64 image                184 u16 CS SS DS ES FS GS
 *   696 if flag 4: 256 bytes, YMM0-15 upper      196 u32 number of changed ranges
 *       then the code                            200 512 bytes, FXSAVE64 image
 *       then each patch: u32 address,            712 if flag 4: 256 bytes, YMM0-15 upper
 *       u16 length, bytes                            then each range: u32 address, u16 length, bytes
 *
 * With neither stop flag a case ends after exactly "most steps" steps. MXCSR_MASK and the bytes from 416
 * on of an FXSAVE image are neither read nor reported: they are no state of the CPU.
 *
 * What shows of the method:
 * - TF is set while the instruction runs, so PUSHF stores it; RFLAGS after a fault has RF set.
 * - MOV SS and POP SS hold the trap back, so one step runs the next instruction too (a NOP by default).
 * - A repeated string instruction traps after each iteration, with RIP unmoved.
 * - Selectors are the fixed user ones of Linux: DS = ES = FS = GS = SS = 0x2B, CS = 0x33 or 0x23.
 * - The kernel sets bit 0 of a page fault's error code for every address in its own half.
 * - INT1 was seen with RIP at the instruction rather than behind it, under KVM.
 * - The kernel emulates SGDT, SIDT and SMSW where UMIP forbids them; a hypervisor answers CPUID,
 *   VMCALL and VMMCALL. The driver refuses these.
 */
#define _GNU_SOURCE
#include "oracle.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static uint8_t *backing;            /* the whole window, writable, at an address of its own */
static uint8_t before[BACKED_CODE]; /* data, read-only and stack pages as the case starts */
static uint64_t case_number;        /* from 1, for messages */
static uint8_t input[BUFFER_BYTES], output[BUFFER_BYTES];
static size_t input_at, input_end, output_end;

void stop(int status, const char *format, ...) {
  char line[512];
  va_list arguments;
  va_start(arguments, format);
  int length = vsnprintf(line, sizeof line - 1, format, arguments);
  va_end(arguments);
  if (length > (int)sizeof line - 2) length = sizeof line - 2;
  line[length] = '\n';
  ssize_t ignored = write(2, "oracle: ", 8);
  ignored = write(2, line, (size_t)length + 1);
  (void)ignored;
  _exit(status);
}

__attribute__((noreturn, format(printf, 1, 2))) static void malformed(const char *format, ...) {
  char what[400];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(what, sizeof what, format, arguments);
  va_end(arguments);
  stop(2, "case %llu: %s", (unsigned long long)case_number, what);
}

/* ---- The window. ---- */

static uint32_t mix(uint32_t x) {
  x = (x ^ (x >> 16)) * 0x85EBCA6Bu;
  x = (x ^ (x >> 13)) * 0xC2B2AE35u;
  return x ^ (x >> 16);
}

static const struct part {
  uint32_t at, bytes, backed;
} parts[] = {
    {DATA_AT, DATA_BYTES, 0},
    {READ_ONLY_AT, PAGE, BACKED_READ_ONLY},
    {STACK_AT, PAGE, BACKED_STACK},
};
enum { PARTS = sizeof parts / sizeof parts[0] };

static void fill_background(uint32_t seed) {
  for (int p = 0; p < PARTS; p++)
    for (uint32_t i = 0; i < parts[p].bytes; i += 4) {
      uint32_t word = mix(seed + ((parts[p].at + i) / 4) * 0x9E3779B1u);
      memcpy(before + parts[p].backed + i, &word, 4);
    }
}

static uint8_t *patch_target(uint32_t address, uint32_t length) {
  for (int p = 0; p < PARTS; p++) {
    uint64_t low = WINDOW + (uint64_t)parts[p].at;
    if (address >= low && (uint64_t)address + length <= low + parts[p].bytes)
      return before + parts[p].backed + (address - low);
  }
  return NULL;
}

static void put(const void *bytes, size_t count) {
  memcpy(output + output_end, bytes, count);
  output_end += count;
}

static void put_u32(uint32_t value) { put(&value, 4); }

/* Appends each maximal run of changed bytes; returns how many there are. */
static uint32_t put_changed_ranges(void) {
  uint32_t ranges = 0;
  for (int p = 0; p < PARTS; p++) {
    const uint8_t *was = before + parts[p].backed, *is = backing + parts[p].backed;
    for (uint32_t i = 0; i < parts[p].bytes;) {
      if ((i & 63) == 0 && memcmp(was + i, is + i, 64) == 0) {
        i += 64;
      } else if (was[i] == is[i]) {
        i++;
      } else {
        uint32_t end = i + 1;
        while (end < parts[p].bytes && was[end] != is[end]) end++;
        uint16_t length = (uint16_t)(end - i);
        put_u32(WINDOW + parts[p].at + i);
        put(&length, 2);
        put(is + i, length);
        ranges++;
        i = end;
      }
    }
  }
  return ranges;
}

static void map_window(void) {
  int file = memfd_create("oracle-window", 0);
  if (file < 0 || ftruncate(file, BACKED_BYTES) != 0) stop(3, "no memory file: %s", strerror(errno));
  backing = mmap(NULL, BACKED_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, file, 0);
  if (backing == MAP_FAILED) stop(3, "cannot map the memory file: %s", strerror(errno));

  static const struct {
    uint32_t at, bytes, backed;
    int protection;
  } mappings[] = {
      {DATA_AT, DATA_BYTES, 0, PROT_READ | PROT_WRITE},
      {READ_ONLY_AT, PAGE, BACKED_READ_ONLY, PROT_READ},
      {STACK_AT, PAGE, BACKED_STACK, PROT_READ | PROT_WRITE},
      {CODE_AT, PAGE, BACKED_CODE, PROT_READ | PROT_EXEC},
  };
  for (size_t i = 0; i < sizeof mappings / sizeof mappings[0]; i++) {
    void *wanted = (void *)(uintptr_t)(WINDOW + mappings[i].at);
    void *got = mmap(wanted, mappings[i].bytes, mappings[i].protection,
                     MAP_SHARED | MAP_FIXED_NOREPLACE | MAP_POPULATE, file, mappings[i].backed);
    if (got != wanted) stop(3, "cannot map %p for the window: %s", wanted, strerror(errno));
  }
  close(file);
}

/* ---- Records. ---- */

static void flush_output(void) {
  for (size_t at = 0; at < output_end;) {
    ssize_t count = write(1, output + at, output_end - at);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) stop(3, "cannot write results: %s", strerror(errno));
    at += (size_t)count;
  }
  output_end = 0;
}

/* Makes `count` bytes of input available; returns how many there are, fewer only at the input's end. */
static size_t need(size_t count) {
  if (input_end - input_at < count && input_at + count > BUFFER_BYTES) {
    memmove(input, input + input_at, input_end - input_at);
    input_end -= input_at;
    input_at = 0;
  }
  while (input_end - input_at < count) {
    ssize_t got = read(0, input + input_end, BUFFER_BYTES - input_end);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) stop(3, "cannot read cases: %s", strerror(errno));
    if (got == 0) break;
    input_end += (size_t)got;
  }
  size_t have = input_end - input_at;
  return have < count ? have : count;
}

static uint16_t get_u16(const uint8_t *at) {
  uint16_t value;
  memcpy(&value, at, 2);
  return value;
}

static uint32_t get_u32(const uint8_t *at) {
  uint32_t value;
  memcpy(&value, at, 4);
  return value;
}

static uint64_t get_u64(const uint8_t *at) {
  uint64_t value;
  memcpy(&value, at, 8);
  return value;
}

static void place_patches(const uint8_t *at, const uint8_t *end, unsigned count) {
  for (unsigned i = 0; i < count; i++) {
    if (end - at < 6) malformed("patch %u ends beyond the record", i);
    uint32_t address = get_u32(at), length = get_u16(at + 4);
    at += 6;
    if ((size_t)(end - at) < length) malformed("patch %u ends beyond the record", i);
    uint8_t *target = patch_target(address, length);
    if (target == NULL)
      malformed("patch %u, %u bytes at %#x, is not within the data, read-only or stack pages", i, length,
                address);
    memcpy(target, at, length);
    at += length;
  }
  if (at != end) malformed("%zu bytes too many in the record", (size_t)(end - at));
}

static void place_fp(const uint8_t *fx, const uint8_t *ymm) {
  uint32_t mxcsr = get_u32(fx + FX_MXCSR);
  if (mxcsr & ~0xFFFFu) malformed("MXCSR %#x has reserved bits set", mxcsr);
  memcpy(oracle_xsave_in, fx, FX_STATE_BYTES);
  memset(oracle_xsave_in + FX_MXCSR_MASK, 0, 4);
  uint64_t components = XSTATE_X87_SSE;
  if (ymm != NULL) {
    memcpy(oracle_xsave_in + avx_offset, ymm, YMM_BYTES);
    components |= XSTATE_AVX;
  }
  memcpy(oracle_xsave_in + XSAVE_HEADER, &components, 8);
}

static void run_case(const uint8_t *record, size_t bytes) {
  unsigned mode = record[4], flags = record[5];
  uint32_t code_offset = get_u16(record + 6), code_bytes = get_u16(record + 8);
  uint64_t rflags = get_u64(record + 160);

  if (mode != 64 && mode != 32) malformed("mode is %u, not 64 or 32", mode);
  if (flags & ~(STOP_WHEN_RIP_LEAVES | STOP_AT_END_RIP | HAS_YMM)) malformed("unknown flags %#x", flags);
  if ((flags & HAS_YMM) && avx_offset == 0) malformed("gives YMM registers, and this CPU has none");
  if (code_bytes == 0 || code_offset + code_bytes > PAGE)
    malformed("%u bytes of code at offset %u do not fit the code page", code_bytes, code_offset);
  if (rflags & ~(uint64_t)(FLAGS_ALLOWED | FLAGS_FIXED))
    malformed("RFLAGS %#llx has bits that a user program cannot choose", (unsigned long long)rflags);
  if (get_u32(record + 20) != 0) malformed("reserved bytes are not 0");

  current.flags = (uint8_t)flags;
  current.steps_max = get_u32(record + 12);
  if (current.steps_max == 0) malformed("allows no step");
  current.start_rip = WINDOW + CODE_AT + code_offset;
  current.end_rip = get_u64(record + 24);

  const uint8_t *end = record + bytes, *at = record + CASE_FIXED_BYTES;
  const uint8_t *ymm = NULL;
  if (flags & HAS_YMM) {
    ymm = at;
    at += YMM_BYTES;
  }
  if (at + code_bytes > end) malformed("the record ends before its code");
  memset(backing + BACKED_CODE, 0x90, PAGE);
  memcpy(backing + BACKED_CODE + code_offset, at, code_bytes);
  at += code_bytes;

  fill_background(get_u32(record + 16));
  place_patches(at, end, get_u16(record + 10));
  memcpy(backing, before, sizeof before);
  place_fp(record + 184, ymm);

  memcpy(oracle_gpr, record + 32, sizeof oracle_gpr);
  oracle_case_fs_base = get_u64(record + 168);
  oracle_case_gs_base = get_u64(record + 176);
  /* Bit 47 must repeat upwards, or WRFSBASE itself would fault. */
  if ((int64_t)(oracle_case_fs_base << 16) >> 16 != (int64_t)oracle_case_fs_base ||
      (int64_t)(oracle_case_gs_base << 16) >> 16 != (int64_t)oracle_case_gs_base)
    malformed("the FS or GS base is not a canonical address");
  oracle_iret_frame = (struct iret_frame){
      .rip = current.start_rip,
      .cs = mode == 64 ? CS_64 : CS_32,
      .rflags = rflags | FLAGS_FIXED | FLAG_TF,
      .rsp = oracle_gpr[4],
      .ss = DATA_SELECTOR,
  };
  seen.steps = seen.error_code = seen.vector = 0;
  seen.cr2 = 0;

  current.running = 1;
  __asm__ volatile("" ::: "memory");
  oracle_launch();
  __asm__ volatile("" ::: "memory");
}

static void put_result(void) {
  if (BUFFER_BYTES - output_end < RECORD_BYTES_MAX) flush_output();
  size_t start = output_end;
  put_u32(0); /* the record's length and the number of ranges are filled in below */
  uint8_t head[4] = {seen.outcome, seen.vector, seen.flags, 0};
  put(head, 4);
  put_u32(seen.steps);
  put_u32(seen.error_code);
  put(&seen.cr2, 8);
  put(&seen.rip, 8);
  put(seen.gpr, sizeof seen.gpr);
  put(&seen.rflags, 8);
  put(&seen.fs_base, 8);
  put(&seen.gs_base, 8);
  uint16_t selectors[6] = {seen.cs, seen.ss, seen.ds, seen.es, seen.fs, seen.gs};
  put(selectors, sizeof selectors);
  put_u32(0);
  put(seen.fx, FX_BYTES);
  if (seen.flags & HAS_YMM) put(seen.ymm, YMM_BYTES);
  uint32_t ranges = put_changed_ranges();
  uint32_t bytes = (uint32_t)(output_end - start);
  memcpy(output + start, &bytes, 4);
  memcpy(output + start + 196, &ranges, 4);
}

static void run_all_cases(void) {
  if (need(8) != 8 || get_u32(input + input_at) != CASE_MAGIC)
    stop(2, "the input does not begin as a stream of cases (\"KVOC\")");
  if (get_u32(input + input_at + 4) != VERSION)
    stop(2, "the input is of version %u; this oracle reads version %u", get_u32(input + input_at + 4),
         VERSION);
  input_at += 8;
  put_u32(RESULT_MAGIC);
  put_u32(VERSION);

  for (case_number = 1;; case_number++) {
    size_t have = need(4);
    if (have == 0) break;
    if (have < 4) malformed("the input ends within the record");
    uint32_t bytes = get_u32(input + input_at);
    if (bytes < CASE_FIXED_BYTES || bytes > RECORD_BYTES_MAX)
      malformed("the record says it is %u bytes long; %u to %u are possible", bytes, CASE_FIXED_BYTES,
                RECORD_BYTES_MAX);
    if (need(bytes) != bytes) malformed("the input ends within the record");
    run_case(input + input_at, bytes);
    input_at += bytes;
    put_result();
  }
  flush_output();
}

int main(int count, char **arguments) {
  if (count == 2 && strcmp(arguments[1], "--cpuid") == 0) {
    print_cpuid();
    return 0;
  }
  if (count != 1) stop(2, "takes no argument but --cpuid");
  map_window();
  prepare_process();
  run_all_cases();
  _exit(0);
}
