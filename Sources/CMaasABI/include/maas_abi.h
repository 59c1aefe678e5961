#ifndef MAAS_ABI_H
#define MAAS_ABI_H
/// What the C interface needs of C: texts made of the list in maas.h, memory of each thread, the log's
/// receiver.
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// Keeps the reason of a failure for maas_error_message() on this thread; long texts are cut.
void maas_abi_set_message(const uint8_t *text, size_t size);

/// Whether somebody wants log lines of this maas_log_level: ask before making one.
bool maas_abi_logs(int level);
void maas_abi_log(int level, const char *text);

#endif
