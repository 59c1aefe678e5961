/// The parts of maas.h that are made of its own lists, and the message of each thread.
#include "maas_abi.h"
#include "../../include/maas.h"
#include <string.h>

enum { message_capacity = 4096 };
static _Thread_local char message[message_capacity];

void maas_abi_set_message(const uint8_t *text, size_t size) {
  if (size >= message_capacity) {
    size = message_capacity - 1;
    while (size > 0 && (text[size] & 0xc0) == 0x80) // not inside a UTF-8 sequence
      size--;
  }
  memcpy(message, text, size);
  message[size] = 0;
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
