#include "maas_system.h"
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/// Weights are read from end to end in every run: with pages of 4 KB the translations cost a third of the time.
enum { huge_page = 2 << 20 };
/// Blocks of malloc's begin at a huge page from here on: what lies before that is lost.
enum { begins_huge = 4 * huge_page };

/// Of a large block. A wish: where the system has no huge pages, small ones do.
static void wish_huge(void *memory, size_t bytes) {
  madvise(memory, bytes - bytes % huge_page, MADV_HUGEPAGE);
}

/// malloc and an alignment of our own, with malloc's address before the block: what glibc's posix_memalign gave back
/// does not serve the next request of the same size before 2.38, so that large tensors made and freed in turn, with
/// small ones that stay between them, took ever more memory.
void *maas_sys_alloc(size_t bytes, size_t alignment) {
  if (bytes >= begins_huge && alignment < huge_page)
    alignment = huge_page;
  if (alignment < sizeof(void *))
    alignment = sizeof(void *);
  size_t more = alignment + sizeof(void *);
  char *block = bytes <= SIZE_MAX - more ? malloc(bytes + more) : NULL;
  if (block == NULL)
    return NULL;
  char *memory = block + more - (uintptr_t)(block + more) % alignment;
  ((void **)memory)[-1] = block;
  if (bytes >= begins_huge)
    wish_huge(memory, bytes);
  return memory;
}

void maas_sys_free(void *memory) {
  if (memory)
    free(((void **)memory)[-1]);
}

static char *map_pages(size_t bytes) {
  void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return memory != MAP_FAILED ? memory : NULL;
}

/// Maps more and gives back what lies before the first huge page and after the last byte.
void *maas_sys_alloc_pages(size_t bytes) {
  if (bytes < huge_page || bytes > SIZE_MAX - 2 * huge_page)
    return map_pages(bytes);
  size_t page = (size_t)sysconf(_SC_PAGESIZE), used = (bytes + page - 1) / page * page;
  char *mapped = map_pages(used + huge_page);
  if (mapped == NULL)
    return NULL;
  size_t before = (huge_page - (uintptr_t)mapped % huge_page) % huge_page;
  if (before > 0)
    munmap(mapped, before);
  munmap(mapped + before + used, huge_page - before);
  wish_huge(mapped + before, bytes);
  return mapped + before;
}

void maas_sys_free_pages(void *memory, size_t bytes) { munmap(memory, bytes); }

void maas_sys_copy(void *to, const void *from, size_t bytes) {
  if (bytes)
    memmove(to, from, bytes);
}

/// To the second-level cache: the first takes fewer lines at a time.
static void fetch(const char *bytes, size_t count) {
  enum { line = 64 };
  for (size_t i = 0; i < count; i += line)
    __builtin_prefetch(bytes + i, 0, 2);
}

void maas_sys_copy_rows(void *to, const void *from, const intptr_t *rows, size_t count, size_t bytes) {
  enum { bytes_ahead = 4096 };
  size_t ahead = bytes ? bytes_ahead / bytes + 1 : 1;
  for (size_t i = 0; i < count; i++) {
    if (i + ahead < count)
      fetch((const char *)from + (size_t)rows[i + ahead] * bytes, bytes < bytes_ahead ? bytes : bytes_ahead);
    maas_sys_copy((char *)to + i * bytes, (const char *)from + (size_t)rows[i] * bytes, bytes);
  }
}

void maas_sys_copy_far(void *to, const void *from, size_t bytes) {
  enum { piece = 4096 };
  for (size_t at = 0, rest; at < bytes; at += piece) {
    rest = bytes - at;
    if (rest > piece)
      fetch((const char *)from + at + piece, rest - piece < piece ? rest - piece : piece);
    maas_sys_copy((char *)to + at, (const char *)from + at, rest < piece ? rest : piece);
  }
}

size_t maas_sys_length(const char *text) { return strlen(text); }

void maas_sys_zero(void *to, size_t bytes) {
  if (bytes)
    memset(to, 0, bytes);
}

bool maas_sys_equal(const void *a, const void *b, size_t bytes) {
  return bytes == 0 || memcmp(a, b, bytes) == 0;
}
