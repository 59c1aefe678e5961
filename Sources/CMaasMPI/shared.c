#include "shared.h"

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/// In front of a process's floats: how many of its sums are there, and how many sums it has read of the others.
typedef struct maas_shared_part {
  _Alignas(64) uint64_t written;
  _Alignas(64) uint64_t read;
  _Alignas(64) float floats[];
} part;

static size_t part_bytes(size_t capacity) { return sizeof(part) + capacity * sizeof(float); }

static void *mapped(int file, size_t bytes) {
  void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  close(file);
  return memory == MAP_FAILED ? NULL : memory;
}

static void part_name(const maas_shared_job *job, int slot, int rank, char *text, size_t size) {
  snprintf(text, size, "/maas-%llx-%d-%d", (unsigned long long)job->name, slot, rank);
}

/// Memory that is promised here cannot be missing later, when it would end the process.
static void *made(const char *name, size_t bytes) {
  int file = shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0600);
  if (file < 0)
    return NULL;
  if (posix_fallocate(file, 0, (off_t)bytes) == 0)
    return mapped(file, bytes);
  close(file);
  return NULL;
}

static void *found(const char *name, size_t bytes) {
  int file = shm_open(name, O_RDWR, 0);
  return file < 0 ? NULL : mapped(file, bytes);
}

static void forget(maas_shared *s, int ranks) {
  for (int r = 0; r < ranks; r++)
    if (s->parts[r])
      munmap(s->parts[r], part_bytes(s->capacity));
  *s = (maas_shared){0};
}

bool maas_shared_open(maas_shared *s, const maas_shared_job *job, int slot, size_t count) {
  char name[64];
  forget(s, job->ranks);
  count = (count + 15) / 16 * 16; // Whole lines of the cache.
  s->capacity = count;
  part_name(job, slot, job->rank, name, sizeof name);
  s->parts[job->rank] = made(name, part_bytes(count));
  bool shares = job->agree(s->parts[job->rank] != NULL);
  for (int r = 0; r < job->ranks && shares; r++)
    if (r != job->rank) {
      char other[64];
      part_name(job, slot, r, other, sizeof other);
      s->parts[r] = found(other, part_bytes(count));
      shares = s->parts[r] != NULL;
    }
  shares = job->agree(shares);
  shm_unlink(name);
  if (!shares)
    forget(s, job->ranks);
  return shares;
}

static void relax(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

/// Waits until a counter is at `wanted`. Who waits long lets others run. False when somebody wants to stop.
static bool await_count(const uint64_t *counter, uint64_t wanted, const maas_shared_job *job) {
  enum { patience = 256 };
  for (long turns = 1; __atomic_load_n(counter, __ATOMIC_ACQUIRE) < wanted; turns++) {
    relax();
    if (turns % patience)
      continue;
    if (job->is_stopping && job->is_stopping())
      return false;
    sched_yield();
  }
  return true;
}

bool maas_shared_start(maas_shared *s, const maas_shared_job *job, float *data, size_t count) {
  part *own = s->parts[job->rank];
  for (int r = 0; r < job->ranks; r++)
    if (!await_count(&s->parts[r]->read, s->turn, job))
      return false;
  s->turn++;
  s->data = data;
  s->count = count;
  memcpy(own->floats, data, count * sizeof(float));
  __atomic_store_n(&own->written, s->turn, __ATOMIC_RELEASE);
  return true;
}

/// Of two processes each adds to its own, which is the same sum.
static void add(float *restrict sum, const float *restrict a, size_t count) {
  for (size_t i = 0; i < count; i++)
    sum[i] += a[i];
}

static void add_all(const maas_shared *s, int ranks) {
  enum { block = 1 << 12 }; // What stays in the first-level cache while all are added up.
  for (size_t i = 0; i < s->count; i += block) {
    size_t count = s->count - i < block ? s->count - i : block;
    memcpy(s->data + i, s->parts[0]->floats + i, count * sizeof(float));
    for (int r = 1; r < ranks; r++)
      add(s->data + i, s->parts[r]->floats + i, count);
  }
}

bool maas_shared_finish(maas_shared *s, const maas_shared_job *job) {
  for (int r = 0; r < job->ranks; r++)
    if (!await_count(&s->parts[r]->written, s->turn, job))
      return false;
  if (job->ranks == 2)
    add(s->data, s->parts[1 - job->rank]->floats, s->count);
  else
    add_all(s, job->ranks);
  __atomic_store_n(&s->parts[job->rank]->read, s->turn, __ATOMIC_RELEASE);
  return true;
}

void maas_shared_area(const maas_shared *s, const maas_shared_job *job, maas_collective_area *area) {
  for (int r = 0; r < job->ranks; r++) {
    area->floats[r] = s->parts[r]->floats;
    area->turns[r] = &s->parts[r]->written;
  }
}

bool maas_shared_meet(const maas_collective_area *area, const maas_shared_job *job) {
  uint64_t turn = __atomic_add_fetch(area->turns[job->rank], 1, __ATOMIC_RELEASE);
  for (int r = 0; r < job->ranks; r++)
    if (!await_count(area->turns[r], turn, job))
      return false;
  return true;
}

void maas_shared_close(maas_shared *s, const maas_shared_job *job) { forget(s, job->ranks); }
