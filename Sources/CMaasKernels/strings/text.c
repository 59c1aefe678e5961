/// Numbers in text.
#include <locale.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include "maas_scalar.h"

/// strtod must not depend on the host's locale. Made once; NULL if there is no memory for it.
static locale_t plain_locale(void) {
  static _Atomic(locale_t) kept;
  locale_t plain = atomic_load(&kept), none = NULL;
  if (plain)
    return plain;
  plain = newlocale(LC_ALL_MASK, "C", NULL);
  if (plain && !atomic_compare_exchange_strong(&kept, &none, plain)) {
    freelocale(plain);
    plain = none;
  }
  return plain;
}

/// strtod also reads hexadecimal digits and payloads of NaN, which are no numbers here.
static bool is_plain(const char *text, size_t n) {
  for (size_t i = 0; i < n; i++)
    if (text[i] == '(' || text[i] == 'x' || text[i] == 'X')
      return false;
  return true;
}

bool maas_f64_parse(const char *text, size_t n, double *value) {
  char copy[256];
  locale_t plain = plain_locale();
  if (n == 0 || n >= sizeof copy || !plain || !is_plain(text, n))
    return false;
  memcpy(copy, text, n);
  copy[n] = 0;
  char *end;
  *value = strtod_l(copy, &end, plain);
  while (*end == ' ' || (*end >= '\t' && *end <= '\r'))
    end++;
  return end == copy + n && end != copy;
}
