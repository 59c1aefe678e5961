#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include "maas_system.h"

/// Writes the path of `name` in the folder of the library that this code is in; false where it does not fit.
static bool path_beside(const char *name, char *path, size_t size) {
  Dl_info own;
  if (!dladdr((void *)maas_sys_symbol, &own) || !own.dli_fname)
    return false;
  const char *slash = strrchr(own.dli_fname, '/');
  int folder = slash ? (int)(slash - own.dli_fname + 1) : 0;
  int length = snprintf(path, size, "%.*s%s", folder, own.dli_fname, name);
  return length > 0 && (size_t)length < size;
}

static void *open_library(const char *variable, const char *name) {
  const char *chosen = maas_sys_environment(variable);
  if (chosen)
    return dlopen(chosen, RTLD_NOW | RTLD_LOCAL);
  char path[4096];
  void *library = path_beside(name, path, sizeof path) ? dlopen(path, RTLD_NOW | RTLD_LOCAL) : NULL;
  return library ? library : dlopen(name, RTLD_NOW | RTLD_LOCAL);
}

void *maas_sys_symbol(const char *variable, const char *name, const char *symbol) {
  void *library = open_library(variable, name);
  return library ? dlsym(library, symbol) : NULL;
}
