/// The parts of maas.h that are made of its own lists, and the message of each thread.
#include "maas_abi.h"
#include "../../include/maas.h"
#include <stdio.h>
#include <string.h>

enum { message_capacity = 4096 };
static _Thread_local char message[message_capacity];
static _Thread_local uint64_t message_count;
static _Thread_local int callback_depth;

void maas_abi_set_message(const uint8_t *text, size_t size) {
  if (size >= message_capacity) {
    size = message_capacity - 1;
    while (size > 0 && (text[size] & 0xc0) == 0x80) // not inside a UTF-8 sequence
      size--;
  }
  for (size_t i = 0; i < size; i++) // names of damaged files may have anything in them
    message[i] = text[i] < ' ' || text[i] == 127 ? ' ' : (char)text[i];
  message[size] = 0;
  message_count++;
}

void maas_abi_set_absent(const char *name) {
  snprintf(message, message_capacity, "the node has no attribute '%.256s'", name);
  message_count++;
}

uint64_t maas_abi_message_count(void) { return message_count; }

bool maas_abi_enter_callback(void) {
  if (callback_depth >= maas_abi_callback_depth)
    return false;
  callback_depth++;
  return true;
}

void maas_abi_leave_callback(void) { callback_depth--; }

bool maas_abi_equal(const char *a, const char *b) { return strcmp(a, b) == 0; }

maas_status maas_error_set(maas_status status, const char *text) {
  if (text != NULL)
    maas_abi_set_message((const uint8_t *)text, strlen(text));
  return status;
}

const char *maas_error_message(void) { return message; }

const char *maas_version(void) { return MAAS_VERSION; }

uint32_t maas_abi_version(void) { return MAAS_ABI_VERSION; }

#define CASE_NAME(name, number, text)                                                                        \
  case name:                                                                                                 \
    return #name;
#define CASE_TEXT(name, number, text)                                                                        \
  case name:                                                                                                 \
    return text;

const char *maas_status_name(maas_status status) {
  switch (status) {
    MAAS_STATUS_LIST(CASE_NAME)
  default:
    return "MAAS_UNKNOWN_STATUS";
  }
}

const char *maas_status_text(maas_status status) {
  switch (status) {
    MAAS_STATUS_LIST(CASE_TEXT)
  default:
    return "no status of this version of maas";
  }
}
