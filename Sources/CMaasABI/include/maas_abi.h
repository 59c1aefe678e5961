#ifndef MAAS_ABI_H
#define MAAS_ABI_H
/// What the C interface needs of C: texts made of the list in maas.h, memory of each thread, the log's
/// receiver.
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// Keeps the reason of a failure for maas_error_message() on this thread, as one line; long texts are cut.
void maas_abi_set_message(const uint8_t *text, size_t size);
/// Makes "the node has no attribute 'name'" this thread's message, without an allocation: the name is as a caller
/// gave it.
void maas_abi_set_absent(const char *name);
/// How often the message of this thread was set.
uint64_t maas_abi_message_count(void);

/// How many callbacks of operators may be under way on a thread, each inside a run of the one before.
enum { maas_abi_callback_depth = 16 };
/// Before such a callback; false: it would be one too many.
bool maas_abi_enter_callback(void);
void maas_abi_leave_callback(void);

bool maas_abi_equal(const char *a, const char *b);

/// Whether somebody wants log lines of this maas_log_level: ask before making one.
bool maas_abi_logs(int level);
void maas_abi_log(int level, const char *text);

#endif
