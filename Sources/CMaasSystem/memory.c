#include "maas_system.h"
#include <stdlib.h>
#include <string.h>

void *maas_sys_alloc(size_t bytes, size_t alignment) {
  void *memory = NULL;
  if (alignment < sizeof(void *))
    alignment = sizeof(void *);
  return posix_memalign(&memory, alignment, bytes ? bytes : 1) == 0 ? memory : NULL;
}

void maas_sys_free(void *memory) { free(memory); }

void maas_sys_copy(void *to, const void *from, size_t bytes) {
  if (bytes)
    memmove(to, from, bytes);
}

void maas_sys_zero(void *to, size_t bytes) {
  if (bytes)
    memset(to, 0, bytes);
}

bool maas_sys_equal(const void *a, const void *b, size_t bytes) {
  return bytes == 0 || memcmp(a, b, bytes) == 0;
}
