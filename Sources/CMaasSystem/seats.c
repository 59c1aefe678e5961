#include "maas_system.h"
#include <sched.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

_Static_assert(sizeof(cpu_set_t) == sizeof((maas_sys_seat){0}.allowed), "a seat has room for a set of CPUs");

void maas_sys_seat_leave(maas_sys_seat *seat) {
  if (!seat->thread)
    seat->thread = (int32_t)syscall(SYS_gettid);
  __atomic_store_n(&seat->cpu, (int32_t)sched_getcpu() + 1, __ATOMIC_RELEASE);
}

void maas_sys_seat_return(maas_sys_seat *seat) {
  __atomic_store_n(&seat->cpu, 0, __ATOMIC_RELAXED);
  if (!__atomic_load_n(&seat->moved, __ATOMIC_ACQUIRE))
    return;
  sched_setaffinity(0, sizeof seat->allowed, (const cpu_set_t *)seat->allowed);
  __atomic_store_n(&seat->moved, 0, __ATOMIC_RELEASE);
}

/// Lets the sleeper wake on an allowed CPU that is not taken, if there is one.
static void move(maas_sys_seat *seat, const cpu_set_t *taken) {
  cpu_set_t *allowed = (cpu_set_t *)seat->allowed, both, rest;
  if (__atomic_load_n(&seat->moved, __ATOMIC_ACQUIRE) ||
      sched_getaffinity(seat->thread, sizeof *allowed, allowed))
    return;
  CPU_AND(&both, allowed, taken);
  CPU_XOR(&rest, allowed, &both);
  if (CPU_COUNT(&rest) == 0 || sched_setaffinity(seat->thread, sizeof rest, &rest))
    return;
  __atomic_store_n(&seat->moved, 1, __ATOMIC_RELEASE);
}

void maas_sys_seats_spread(maas_sys_seat *seats, int count) {
  cpu_set_t taken;
  CPU_ZERO(&taken);
  int own = sched_getcpu();
  if (own < 0 || own >= CPU_SETSIZE)
    return;
  CPU_SET(own, &taken);
  for (int i = 0; i < count; ++i) {
    int cpu = __atomic_load_n(&seats[i].cpu, __ATOMIC_ACQUIRE) - 1;
    if (cpu < 0 || cpu >= CPU_SETSIZE)
      continue;
    if (CPU_ISSET(cpu, &taken))
      move(&seats[i], &taken);
    CPU_SET(cpu, &taken);
  }
}
