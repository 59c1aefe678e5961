#include "maas_mpi.h"

#include <dlfcn.h>
#include <limits.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "shared.h"

// Open MPI's handles are addresses of objects in the library, so its header is not needed: MPI_Comm, MPI_Datatype and
// MPI_Op are pointers, MPI_IN_PLACE is 1 and MPI_STATUS_IGNORE is 0.
enum { THREAD_FUNNELED = 1, MOST_SLOTS = 256, MOST_AREAS = 8 };
#define IN_PLACE ((void *)1)

typedef void *handle;

static struct {
  int (*init)(int *, char ***, int, int *);
  int (*rank)(handle, int *);
  int (*size)(handle, int *);
  int (*set_errors)(handle, handle);
  int (*sum)(const void *, void *, int, handle, handle, handle, handle *);
  int (*share)(void *, int, handle, int, handle, handle *);
  int (*test)(handle *, int *, void *);
  int (*finalize)(void);
  int (*abort)(handle, int);
  handle world, floats, doubles, bytes, add, errors_return;
} mpi;

static struct {
  maas_collective calls;
  handle requests[MOST_SLOTS];
  bool (*is_stopping)(void);
  /// Through memory, where all processes are on one machine.
  maas_shared sums[MOST_SLOTS], areas[MOST_AREAS];
  maas_shared_job neighbours;
  bool shares;
} job;

static const struct {
  const char *name;
  void *target;
} symbols[] = {
    {"MPI_Init_thread", &mpi.init},
    {"MPI_Comm_rank", &mpi.rank},
    {"MPI_Comm_size", &mpi.size},
    {"MPI_Comm_set_errhandler", &mpi.set_errors},
    {"MPI_Iallreduce", &mpi.sum},
    {"MPI_Ibcast", &mpi.share},
    {"MPI_Test", &mpi.test},
    {"MPI_Finalize", &mpi.finalize},
    {"MPI_Abort", &mpi.abort},
    {"ompi_mpi_comm_world", &mpi.world},
    {"ompi_mpi_float", &mpi.floats},
    {"ompi_mpi_double", &mpi.doubles},
    {"ompi_mpi_byte", &mpi.bytes},
    {"ompi_mpi_op_sum", &mpi.add},
    {"ompi_mpi_errors_return", &mpi.errors_return},
};

bool maas_mpi_launched(void) {
  const char *size = getenv("OMPI_COMM_WORLD_SIZE");
  return size && atoi(size) > 1;
}

__attribute__((format(printf, 3, 4))) static bool fail(char *message, size_t size, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(message, size, format, arguments);
  va_end(arguments);
  return false;
}

static bool load(char *message, size_t size) {
  // Global, since Open MPI opens plug-ins that look for its symbols.
  void *library = dlopen("libmpi.so.40", RTLD_NOW | RTLD_GLOBAL);
  if (!library) {
    return fail(message, size,
                "Open MPI's libmpi.so.40 cannot be loaded (Debian: apt-get install openmpi-bin): %s",
                dlerror());
  }
  for (size_t i = 0; i < sizeof symbols / sizeof *symbols; i++) {
    void *found = dlsym(library, symbols[i].name);
    if (!found)
      return fail(message, size, "libmpi.so.40 is not Open MPI's: it has no %s", symbols[i].name);
    *(void **)symbols[i].target = found;
  }
  return true;
}

/// Turns the library's gears until the request is through, or somebody wants to stop. Who waits long lets others run.
static bool await(handle *request) {
  int done = 0;
  for (long turns = 0; !done; turns++) {
    if (mpi.test(request, &done, NULL))
      return false;
    if (job.is_stopping && job.is_stopping())
      return false;
    if (turns % 64 == 63)
      sched_yield();
  }
  return true;
}

static bool agree(bool yes) {
  static double votes;
  votes = yes;
  return maas_mpi_sum(&votes, 1) && votes == job.neighbours.ranks;
}

/// All processes make the same calls, and so come to the same answers.
static bool shares(size_t count, int32_t slot) {
  maas_shared *sums = &job.sums[slot];
  if (job.shares && sums->capacity < count)
    job.shares = maas_shared_open(sums, &job.neighbours, slot, count);
  return job.shares;
}

static int32_t start(void *context, float *data, int64_t count, int32_t slot) {
  (void)context;
  if (count < 0 || count > INT_MAX || slot < 0 || slot >= MOST_SLOTS)
    return 1;
  if (shares(count > 0 ? (size_t)count : 1, slot))
    return !maas_shared_start(&job.sums[slot], &job.neighbours, data, (size_t)count);
  return mpi.sum(IN_PLACE, data, (int)count, mpi.floats, mpi.add, mpi.world, &job.requests[slot]);
}

static int32_t finish(void *context, int32_t slot) {
  (void)context;
  if (slot < 0 || slot >= MOST_SLOTS)
    return 1;
  return !(job.requests[slot] ? await(&job.requests[slot])
                              : maas_shared_finish(&job.sums[slot], &job.neighbours));
}

static int32_t open_area(void *context, int64_t count, maas_collective_area *area) {
  (void)context;
  int32_t number = 0;
  while (number < MOST_AREAS && job.areas[number].capacity)
    number++;
  if (!job.shares || !agree(number < MOST_AREAS && count > 0) ||
      !maas_shared_open(&job.areas[number], &job.neighbours, MOST_SLOTS + number, (size_t)count))
    return 1;
  area->number = number;
  maas_shared_area(&job.areas[number], &job.neighbours, area);
  return 0;
}

static void close_area(void *context, const maas_collective_area *area) {
  (void)context;
  maas_shared_close(&job.areas[area->number], &job.neighbours);
}

static int32_t meet(void *context, const maas_collective_area *area) {
  (void)context;
  return !maas_shared_meet(area, &job.neighbours);
}

const maas_collective *maas_mpi_join(bool (*is_stopping)(void), char *message, size_t size) {
  int given = 0, rank = 0, ranks = 0;
  // Open MPI's own choice, a tree, moves all numbers one way and then back.
  setenv("OMPI_MCA_coll_libnbc_iallreduce_algorithm", "rabenseifner", 0);
  if (!load(message, size))
    return NULL;
  if (mpi.init(NULL, NULL, THREAD_FUNNELED, &given) || mpi.set_errors(mpi.world, mpi.errors_return) ||
      mpi.rank(mpi.world, &rank) || mpi.size(mpi.world, &ranks)) {
    fail(message, size, "Open MPI could not start this process; run it with mpirun");
    return NULL;
  }
  job.calls = (maas_collective){.rank = rank,
                                .ranks = ranks,
                                .start = start,
                                .finish = finish,
                                .open_area = open_area,
                                .close_area = close_area,
                                .meet = meet};
  job.is_stopping = is_stopping;
  uint64_t name = (uint64_t)getpid() << 32 ^ (uint64_t)time(NULL);
  job.neighbours =
      (maas_shared_job){.rank = rank, .ranks = ranks, .agree = agree, .is_stopping = is_stopping};
  job.shares = ranks <= MAAS_SHARED_RANKS && maas_mpi_share(&name, sizeof name);
  job.neighbours.name = name;
  return &job.calls;
}

bool maas_mpi_sum(double *values, int count) {
  static handle request; // May stay under way when somebody wants to stop.
  return !mpi.sum(IN_PLACE, values, count, mpi.doubles, mpi.add, mpi.world, &request) && await(&request);
}

bool maas_mpi_share(void *bytes, size_t size) {
  const size_t most = 1 << 30;
  for (size_t done = 0; done < size; done += most) {
    handle request;
    const size_t part = size - done < most ? size - done : most;
    if (mpi.share((char *)bytes + done, (int)part, mpi.bytes, 0, mpi.world, &request) || !await(&request))
      return false;
  }
  return true;
}

void maas_mpi_leave(void) { mpi.finalize(); }

void maas_mpi_abort(int code) { mpi.abort(mpi.world, code); }
