/// Where log lines go: one callback for the process.
#include "maas_abi.h"
#include "maas_system.h"
#include "../../include/maas.h"

static maas_sys_lock lock;
static maas_log_callback receiver;
static void *receiver_context;
static int64_t receiver_level = -1;

/// The level as a number: what a caller's enum variable really holds need not be one of its names.
static int64_t number(maas_log_level level) { return (int64_t)(unsigned)level; }

maas_status maas_log_set_callback(maas_log_level level, maas_log_callback callback, void *context) {
  if (number(level) > MAAS_LOG_DEBUG) {
    static const char text[] = "there is no such log level: expected 0 (errors) to 3 (debug)";
    maas_abi_set_message((const uint8_t *)text, sizeof text - 1);
    return MAAS_INVALID_ARGUMENT;
  }
  maas_sys_lock_acquire(&lock);
  receiver = callback;
  receiver_context = context;
  maas_sys_store(&receiver_level, callback != NULL ? number(level) : -1);
  maas_sys_lock_release(&lock);
  return MAAS_OK;
}

bool maas_abi_logs(int level) { return maas_sys_load(&receiver_level) >= level; }

void maas_abi_log(int level, const char *text) {
  maas_sys_lock_acquire(&lock);
  maas_log_callback callback = receiver;
  void *context = receiver_context;
  maas_sys_lock_release(&lock);
  if (callback != NULL)
    callback(context, (maas_log_level)level, text);
}
