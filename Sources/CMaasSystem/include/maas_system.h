#ifndef MAAS_SYSTEM_H
#define MAAS_SYSTEM_H
/// What the core needs of the operating system, in one header, so that no Swift file imports Glibc.
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "maas_collective.h"
#include "maas_step.h"
#include "maas_text.h"

// Memory

/// Memory of `bytes` (at least 1) aligned to `alignment` (a power of two), or NULL.
void *maas_sys_alloc(size_t bytes, size_t alignment);
void maas_sys_free(void *memory);
/// Pages of their own for `bytes` > 0, zeroed, or NULL. Given back to the system at once by maas_sys_free_pages.
void *maas_sys_alloc_pages(size_t bytes);
void maas_sys_free_pages(void *memory, size_t bytes);
void maas_sys_copy(void *to, const void *from, size_t bytes);
/// Copies rows of `bytes` each, whose numbers are `rows` [count], one behind the other.
void maas_sys_copy_rows(void *to, const void *from, const intptr_t *rows, size_t count, size_t bytes);
/// Copies what no cache of this CPU has: it is fetched ahead.
void maas_sys_copy_far(void *to, const void *from, size_t bytes);
void maas_sys_zero(void *to, size_t bytes);
bool maas_sys_equal(const void *a, const void *b, size_t bytes);

/// The bytes of a text before the zero byte at its end.
size_t maas_sys_length(const char *text);

// Files. Calls that can fail return 0 or an errno value.

typedef struct maas_sys_file {
  const void *bytes; ///< Pages of the file or of a copy; NULL when size is 0.
  size_t size;
  bool is_mapped;                            ///< The bytes are the file's own pages.
  uint64_t device, inode, modified, changed; ///< Which file, and when its bytes and its inode last changed.
} maas_sys_file;

/// Maps (or, with `copy`, reads) a whole regular file for reading. A directory gives EISDIR.
///
/// With `folder` (not NULL; both paths without symbolic links) the file must still be in that folder when it
/// is open, whatever somebody has put in its place since the path was looked at: else EXDEV or ELOOP.
int maas_sys_file_open(const char *path, const char *folder, bool copy, maas_sys_file *file);
/// Takes the pages that lie within the bytes of a mapped file from the process, until it reads them again, and takes
/// back that they are read next.
void maas_sys_file_forget(const void *bytes, size_t size);
/// These bytes of a mapped file are read next, and forgotten then. Linux maps, with a page that is missing, all that
/// its cache holds in one piece with it, up to two megabytes from version 6.18 on, but nothing outside of these.
void maas_sys_file_reads(const void *bytes, size_t size);
/// Part of a mapped file will be read once and forgotten: a look at a page shall not bring two megabytes into memory.
void maas_sys_file_in_small_pages(const void *bytes, size_t size);
void maas_sys_file_close(maas_sys_file *file);
/// Writes a temporary file beside `path` and renames it, so that `path` is never half-written.
int maas_sys_file_write(const char *path, const void *bytes, size_t size);
typedef struct maas_sys_part {
  const void *bytes;
  size_t size;
} maas_sys_part;
/// The same for a file that lies in several places of the memory; `durable`: its bytes are on the disk before it has
/// its name.
int maas_sys_file_write_parts(const char *path, const maas_sys_part *parts, size_t count, bool durable);
/// The path with symbolic links resolved (release with maas_sys_free), or NULL.
char *maas_sys_real_path(const char *path);
const char *maas_sys_error_text(int error);
/// Writes to file descriptor 1 or 2, whole or not at all as far as the system allows.
int maas_sys_print(int descriptor, const char *text, size_t size);
const char *maas_sys_environment(const char *name);

// Libraries

/// A function of a shared library, or NULL. The library is the file that the environment variable names; without it
/// `name` beside the library that this code is in, or else where the loader looks. It stays loaded.
void *maas_sys_symbol(const char *variable, const char *name, const char *symbol);

// Time

int64_t maas_sys_now_ns(void); ///< Monotonic.
/// A number to seed random numbers with: another one at every call and in every process.
uint32_t maas_sys_seed(void);

// Threads

/// CPUs this process may use: affinity mask, capped by the cgroup's quota rounded up; or the number in $MAAS_CPUS. At
/// least 1.
int maas_sys_cpu_count(void);
/// Starts a detached thread with all signals blocked. Returns 0 or an errno value.
int maas_sys_thread_start(void *(*body)(void *), void *context);
/// Sleeps while *word == expected, until woken (spurious wake-ups allowed).
void maas_sys_wait(const uint32_t *word, uint32_t expected);
void maas_sys_wake_all(const uint32_t *word);
void maas_sys_wake_one(const uint32_t *word);

/// Where a thread that is often put to sleep and woken slept last, all 0 at first. A kernel may wake a thread where
/// it slept although another CPU is idle; there it waits behind the thread that woke it.
typedef struct {
  uint64_t
      allowed[16]; ///< The CPUs the sleeper may use, when `moved` says that it is kept from some of them.
  uint32_t moved;
  int32_t thread, cpu; ///< The sleeper's number; its CPU + 1 while it sleeps, else 0.
} maas_sys_seat;
/// The calling thread, whose seat it is, goes to sleep.
void maas_sys_seat_leave(maas_sys_seat *seat);
/// The calling thread is awake.
void maas_sys_seat_return(maas_sys_seat *seat);
/// Called before sleepers are woken, by one thread at a time: those who slept on the caller's CPU or on one
/// another's will wake on others.
void maas_sys_seats_spread(maas_sys_seat *seats, int count);

/// The CPU's spin-loop hint.
static inline void maas_sys_pause(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}
/// Begins to bring a line into the cache.
static inline void maas_sys_prefetch(const void *line) { __builtin_prefetch(line); }
/// Lets another thread have the CPU.
void maas_sys_yield(void);
/// Four numbers of the calling thread's own, 0 at first, for code that likes to go on with what it did last.
uint32_t *maas_sys_thread_words(void);
int maas_sys_process_id(void);
/// The number by which the system knows the calling thread.
int maas_sys_thread_id(void);
/// Registers what is done before a fork() and after it, in the parent and in the child; each may be NULL. Returns 0 or
/// an errno value.
int maas_sys_at_fork(void (*before)(void), void (*parent)(void), void (*child)(void));

typedef struct maas_sys_lock {
  uint32_t state;
} maas_sys_lock;
void maas_sys_lock_acquire(maas_sys_lock *lock);
bool maas_sys_lock_try(maas_sys_lock *lock);
void maas_sys_lock_release(maas_sys_lock *lock);

// Atomics on plain memory that C and Swift share: loads acquire, stores release, the others are sequentially
// consistent.

static inline int64_t maas_sys_load(const int64_t *value) { return __atomic_load_n(value, __ATOMIC_ACQUIRE); }
static inline void maas_sys_store(int64_t *value, int64_t new_value) {
  __atomic_store_n(value, new_value, __ATOMIC_RELEASE);
}
static inline int64_t maas_sys_fetch_add(int64_t *value, int64_t add) {
  return __atomic_fetch_add(value, add, __ATOMIC_SEQ_CST);
}
static inline bool maas_sys_exchange_if(int64_t *value, int64_t expected, int64_t new_value) {
  return __atomic_compare_exchange_n(value, &expected, new_value, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}
static inline uint32_t maas_sys_load32(const uint32_t *value) {
  return __atomic_load_n(value, __ATOMIC_SEQ_CST);
}
static inline void maas_sys_store32(uint32_t *value, uint32_t new_value) {
  __atomic_store_n(value, new_value, __ATOMIC_RELEASE);
}
static inline uint32_t maas_sys_fetch_add32(uint32_t *value, uint32_t add) {
  return __atomic_fetch_add(value, add, __ATOMIC_SEQ_CST);
}
static inline bool maas_sys_exchange_if32(uint32_t *value, uint32_t expected, uint32_t new_value) {
  return __atomic_compare_exchange_n(value, &expected, new_value, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}
static inline uint32_t maas_sys_exchange32(uint32_t *value, uint32_t new_value) {
  return __atomic_exchange_n(value, new_value, __ATOMIC_SEQ_CST);
}

// Mathematics

/// The natural logarithm.
static inline double maas_sys_log(double x) { return __builtin_log(x); }

#endif
