#include "maas_system.h"
#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int64_t maas_sys_now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

uint32_t maas_sys_seed(void) {
  static uint64_t calls;
  uint64_t call = __atomic_add_fetch(&calls, 1, __ATOMIC_RELAXED);
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  uint64_t x = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
  x ^= ((uint64_t)getpid() << 40) + call * 0x9e3779b97f4a7c15;
  // The finalizer of SplitMix64.
  x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
  x = (x ^ x >> 27) * 0x94d049bb133111eb;
  return (uint32_t)(x >> 32);
}

static int affinity_count(void) {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0)
    return CPU_COUNT(&set);
  long online = sysconf(_SC_NPROCESSORS_ONLN);
  return online > 0 ? (int)online : 1;
}

static bool read_line(const char *path, char *line, size_t size) {
  FILE *file = fopen(path, "re");
  if (!file)
    return false;
  bool ok = fgets(line, (int)size, file) != NULL;
  fclose(file);
  return ok;
}

/// CPUs the cgroup's quota allows, rounded up; 0 when there is none.
static int quota_count(void) {
  char line[64], second[64];
  long long quota = 0, period = 0;
  if (read_line("/sys/fs/cgroup/cpu.max", line, sizeof line)) {
    if (sscanf(line, "%lld %lld", &quota, &period) != 2)
      return 0; // "max": no quota
  } else if (read_line("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", line, sizeof line) &&
             read_line("/sys/fs/cgroup/cpu/cpu.cfs_period_us", second, sizeof second)) {
    quota = atoll(line);
    period = atoll(second);
  }
  return quota > 0 && period > 0 ? (int)((quota + period - 1) / period) : 0;
}

/// What $MAAS_CPUS says, 1 to 256; 0 when it says nothing of the kind.
static int told_count(void) {
  const char *text = getenv("MAAS_CPUS");
  char *end;
  long count = text ? strtol(text, &end, 10) : 0;
  return text && !*end && count >= 1 && count <= 256 ? (int)count : 0;
}

int maas_sys_cpu_count(void) {
  int count = told_count();
  if (count > 0)
    return count;
  count = affinity_count();
  int quota = quota_count();
  if (quota > 0 && quota < count)
    count = quota;
  return count > 0 ? count : 1;
}

int maas_sys_thread_start(void *(*body)(void *), void *context) {
  // The host's signals are the host's: a worker must never be the thread that handles one.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  pthread_t thread;
  int error = pthread_create(&thread, &attributes, body, context);
  pthread_attr_destroy(&attributes);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  return error;
}

static void futex(const uint32_t *word, int operation, uint32_t value) {
  syscall(SYS_futex, word, operation | FUTEX_PRIVATE_FLAG, value, NULL, NULL, 0);
}

void maas_sys_wait(const uint32_t *word, uint32_t expected) { futex(word, FUTEX_WAIT, expected); }
void maas_sys_wake_all(const uint32_t *word) { futex(word, FUTEX_WAKE, INT32_MAX); }
void maas_sys_wake_one(const uint32_t *word) { futex(word, FUTEX_WAKE, 1); }

void maas_sys_yield(void) { sched_yield(); }

uint32_t *maas_sys_thread_words(void) {
  static _Thread_local uint32_t words[4];
  return words;
}

int maas_sys_process_id(void) { return (int)getpid(); }

int maas_sys_thread_id(void) { return (int)syscall(SYS_gettid); }

int maas_sys_at_fork(void (*before)(void), void (*parent)(void), void (*child)(void)) {
  return pthread_atfork(before, parent, child);
}

// States of the lock: 0 free, 1 held, 2 held and somebody waits.

bool maas_sys_lock_try(maas_sys_lock *lock) {
  uint32_t free_state = 0;
  return __atomic_compare_exchange_n(&lock->state, &free_state, 1, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

void maas_sys_lock_acquire(maas_sys_lock *lock) {
  if (maas_sys_lock_try(lock))
    return;
  while (__atomic_exchange_n(&lock->state, 2, __ATOMIC_ACQUIRE) != 0)
    maas_sys_wait(&lock->state, 2);
}

void maas_sys_lock_release(maas_sys_lock *lock) {
  if (__atomic_exchange_n(&lock->state, 0, __ATOMIC_RELEASE) == 2)
    maas_sys_wake_one(&lock->state);
}
