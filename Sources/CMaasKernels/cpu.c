/// Which instruction sets this CPU and its operating system offer, and the cap that MAAS_ISA puts on them.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#if defined(__aarch64__)
#include <sys/auxv.h>
#endif
#include "table.h"

static const char *const isa_names[] = {"scalar", "neon", "avx2", "avx512"};

#if defined(__x86_64__)
#include <cpuid.h>

static bool has(uint32_t word, int bit) { return (word >> bit) & 1; }

/// The register states that the operating system saves on a context switch (XCR0).
static uint32_t saved_states(uint32_t leaf1_ecx) {
  if (!has(leaf1_ecx, 27))
    return 0; // OSXSAVE
  uint32_t low, high;
  __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return low;
}

bool maas_isa_supported(maas_isa isa) {
  uint32_t eax, ebx, ecx, edx, ebx7, ecx7;
  if (isa == MAAS_ISA_SCALAR)
    return true;
  if (!__get_cpuid(1, &eax, &ebx, &ecx, &edx))
    return false;
  uint32_t states = saved_states(ecx);
  bool fma = has(ecx, 12);
  if (!__get_cpuid_count(7, 0, &eax, &ebx7, &ecx7, &edx))
    return false;
  bool avx2 = fma && has(ebx7, 5) && (states & 0x06) == 0x06;
  if (isa == MAAS_ISA_AVX2)
    return avx2;
  bool avx512 = has(ebx7, 16) && has(ebx7, 17) && has(ebx7, 30) && has(ebx7, 31); // F, DQ, BW, VL
  return isa == MAAS_ISA_AVX512 && avx2 && avx512 && (states & 0xe6) == 0xe6;
}
static const maas_isa known[] = {MAAS_ISA_AVX512, MAAS_ISA_AVX2, MAAS_ISA_SCALAR};
static const char dots[] = " vnni";

#elif defined(__aarch64__)
bool maas_isa_supported(maas_isa isa) { return isa == MAAS_ISA_SCALAR || isa == MAAS_ISA_NEON; }
static const maas_isa known[] = {MAAS_ISA_NEON, MAAS_ISA_SCALAR};
static const char dots[] = " dotprod";

#else
bool maas_isa_supported(maas_isa isa) { return isa == MAAS_ISA_SCALAR; }
static const maas_isa known[] = {MAAS_ISA_SCALAR};
static const char dots[] = "";
#endif

enum { known_count = sizeof(known) / sizeof(known[0]) };

/// The fastest tier that MAAS_ISA allows, supported or not; *refused is set if its value is unknown here.
static maas_isa cap(const char **refused) {
  const char *text = getenv("MAAS_ISA");
  *refused = NULL;
  if (text == NULL || *text == 0)
    return known[0];
  for (int i = 0; i < known_count; i++)
    if (strcmp(text, isa_names[known[i]]) == 0)
      return known[i];
  *refused = text;
  return known[0];
}

const char *maas_isa_refused(void) {
  const char *refused;
  cap(&refused);
  return refused;
}

static maas_isa best(void) {
  const char *refused;
  maas_isa limit = cap(&refused);
  for (int i = 0; i < known_count; i++)
    if (known[i] <= limit && maas_isa_supported(known[i]))
      return known[i];
  return MAAS_ISA_SCALAR;
}

maas_isa maas_isa_process(void) {
  static _Atomic int chosen; // Tier + 1; 0 until known.
  int isa = atomic_load_explicit(&chosen, memory_order_relaxed);
  if (isa == 0) {
    int found = (int)best() + 1;
    atomic_compare_exchange_strong(&chosen, &isa, found);
    isa = isa == 0 ? found : isa;
  }
  return (maas_isa)(isa - 1);
}

#if defined(__x86_64__)
/// Of an extension of AVX-512, by its bit in leaf 7's ecx. `known` is 1 without it, 2 with it, 0 until known.
static bool extends_avx512(int bit, _Atomic int *known) {
  int found = atomic_load_explicit(known, memory_order_relaxed);
  if (found == 0) {
    uint32_t eax, ebx, ecx = 0, edx;
    bool answers = __get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx);
    found = 1 + (answers && has(ecx, bit) && maas_isa_process() == MAAS_ISA_AVX512);
    atomic_store_explicit(known, found, memory_order_relaxed);
  }
  return found == 2;
}
#endif

bool maas_cpu_dots_bytes(void) {
#if defined(__x86_64__)
  static _Atomic int known_vnni;
  return extends_avx512(11, &known_vnni);
#elif defined(__aarch64__)
  return maas_isa_process() == MAAS_ISA_NEON && (getauxval(AT_HWCAP) & HWCAP_ASIMDDP) != 0;
#else
  return false;
#endif
}

bool maas_cpu_permutes_bytes(void) {
#if defined(__x86_64__)
  static _Atomic int known_vbmi;
  return extends_avx512(1, &known_vbmi);
#else
  return false;
#endif
}

#if defined(__x86_64__)
static const char machine[] = "x86-64";
#elif defined(__aarch64__)
static const char machine[] = "aarch64";
#else
static const char machine[] = "other";
#endif

int maas_cpu_family(char *text, size_t size) {
  return snprintf(text, size, "%s %s%s", machine, maas_isa_name(), maas_cpu_dots_bytes() ? dots : "");
}

const char *maas_isa_name(void) { return isa_names[maas_isa_process()]; }
