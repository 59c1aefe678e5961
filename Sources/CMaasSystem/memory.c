#include "maas_system.h"
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/// Weights are read from end to end in every run: with pages of 4 KB the translations cost a fifth of the time.
enum { huge_page = 2 << 20 };

void *maas_sys_alloc(size_t bytes, size_t alignment) {
  void *memory = NULL;
  bool is_huge = bytes >= huge_page;
  if (is_huge && alignment < huge_page)
    alignment = huge_page;
  if (alignment < sizeof(void *))
    alignment = sizeof(void *);
  if (posix_memalign(&memory, alignment, bytes ? bytes : 1) != 0)
    return NULL;
  if (is_huge) // A wish: where the system has none, small pages do.
    madvise(memory, bytes - bytes % huge_page, MADV_HUGEPAGE);
  return memory;
}

void maas_sys_free(void *memory) { free(memory); }

void *maas_sys_alloc_pages(size_t bytes) {
  void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return memory != MAP_FAILED ? memory : NULL;
}

void maas_sys_free_pages(void *memory, size_t bytes) { munmap(memory, bytes); }

void maas_sys_copy(void *to, const void *from, size_t bytes) {
  if (bytes)
    memmove(to, from, bytes);
}

size_t maas_sys_length(const char *text) { return strlen(text); }

void maas_sys_zero(void *to, size_t bytes) {
  if (bytes)
    memset(to, 0, bytes);
}

bool maas_sys_equal(const void *a, const void *b, size_t bytes) {
  return bytes == 0 || memcmp(a, b, bytes) == 0;
}
