/// Seeds of Swift's hash tables. The Embedded standard library asks for them by glibc 2.36's name; with one of
/// our own, libmaas also loads where glibc is older.
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/random.h>
#include "maas_system.h"

void arc4random_buf(void *bytes, size_t size) {
  char *next = bytes;
  while (size) {
    ssize_t n = getrandom(next, size, 0);
    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0)
      break;
    next += n;
    size -= (size_t)n;
  }
  // The kernel or a sandbox may refuse: tables work with any seed, and the clock's differs between processes.
  int64_t now = maas_sys_now_ns();
  memset(next, 0, size);
  memcpy(next, &now, size < sizeof now ? size : sizeof now);
}
