#include "maas_system.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static int read_all(int descriptor, char *to, size_t size) {
  size_t done = 0;
  while (done < size) {
    ssize_t n = read(descriptor, to + done, size - done);
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      return errno;
    if (n == 0)
      return EIO;
    done += (size_t)n;
  }
  return 0;
}

static int copy_file(int descriptor, maas_sys_file *file) {
  char *bytes = maas_sys_alloc_pages(file->size);
  if (!bytes)
    return ENOMEM;
  int error = read_all(descriptor, bytes, file->size);
  if (error) {
    maas_sys_free_pages(bytes, file->size);
    return error;
  }
  file->bytes = bytes;
  return 0;
}

static int map_file(int descriptor, maas_sys_file *file) {
  void *bytes = mmap(NULL, file->size, PROT_READ, MAP_PRIVATE, descriptor, 0);
  if (bytes == MAP_FAILED)
    return errno;
  file->bytes = bytes;
  file->is_mapped = true;
  return 0;
}

/// Whether an open file lies in `folder`. Without /proc the kernel does not tell, and the path is all there
/// is.
static bool is_inside(int descriptor, const char *folder) {
  char link[32], path[PATH_MAX];
  snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
  ssize_t length = readlink(link, path, sizeof path), prefix = (ssize_t)strlen(folder);
  if (length < 0 || strcmp(folder, "/") == 0)
    return true;
  return length > prefix && memcmp(path, folder, (size_t)prefix) == 0 && path[prefix] == '/';
}

static uint64_t nanoseconds(struct timespec time) {
  return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

static int open_regular(const char *path, const char *folder, int *descriptor, maas_sys_file *file) {
  // O_NONBLOCK: opening a FIFO must not wait for a writer.
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | (folder ? O_NOFOLLOW : 0));
  if (fd < 0)
    return errno;
  struct stat status;
  int error = fstat(fd, &status)                 ? errno
              : folder && !is_inside(fd, folder) ? EXDEV
              : S_ISDIR(status.st_mode)          ? EISDIR
              : S_ISREG(status.st_mode)          ? 0
                                                 : EINVAL;
  if (error) {
    close(fd);
    return error;
  }
  *descriptor = fd;
  *file = (maas_sys_file){.size = (size_t)status.st_size,
                          .device = status.st_dev,
                          .inode = status.st_ino,
                          .modified = nanoseconds(status.st_mtim),
                          .changed = nanoseconds(status.st_ctim)};
  return 0;
}

int maas_sys_file_open(const char *path, const char *folder, bool copy, maas_sys_file *file) {
  *file = (maas_sys_file){0};
  int descriptor;
  int error = open_regular(path, folder, &descriptor, file);
  if (error)
    return error;
  if (file->size)
    error = copy ? copy_file(descriptor, file) : map_file(descriptor, file);
  close(descriptor);
  if (error)
    *file = (maas_sys_file){0};
  return error;
}

/// Advises on the pages that lie wholly inside.
static void advise(const void *bytes, size_t size, int advice) {
  uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
  uintptr_t begin = ((uintptr_t)bytes + page - 1) / page * page,
            end = ((uintptr_t)bytes + size) / page * page;
  if (begin < end)
    madvise((void *)begin, end - begin, advice);
}

/// The same on those at the ends.
static void advise_all(const void *bytes, size_t size, int advice) {
  size_t page = (size_t)sysconf(_SC_PAGESIZE), before = (uintptr_t)bytes % page;
  advise((const char *)bytes - before, before + size + page - 1, advice);
}

void maas_sys_file_forget(const void *bytes, size_t size) {
  advise(bytes, size, MADV_DONTNEED);
  advise_all(bytes, size, MADV_NORMAL);
}

void maas_sys_file_reads(const void *bytes, size_t size) { advise_all(bytes, size, MADV_SEQUENTIAL); }

void maas_sys_file_in_small_pages(const void *bytes, size_t size) { advise(bytes, size, MADV_NOHUGEPAGE); }

void maas_sys_file_close(maas_sys_file *file) {
  if (file->bytes)
    maas_sys_free_pages((void *)file->bytes, file->size);
  *file = (maas_sys_file){0};
}

static int write_all(int descriptor, const char *bytes, size_t size) {
  while (size) {
    ssize_t n = write(descriptor, bytes, size);
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      return errno;
    bytes += n;
    size -= (size_t)n;
  }
  return 0;
}

/// Creates a new file beside `path`; the caller's umask decides who may read it, as for any other file.
static int open_temporary(const char *path, char *temporary, size_t size, int *descriptor) {
  for (unsigned attempt = 0; attempt < 100; attempt++) {
    if (snprintf(temporary, size, "%s.%d-%u.tmp", path, (int)getpid(), attempt) >= (int)size)
      return ENAMETOOLONG;
    *descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (*descriptor >= 0)
      return 0;
    if (errno != EEXIST)
      return errno;
  }
  return EEXIST;
}

static int write_parts(int descriptor, const maas_sys_part *parts, size_t count) {
  int error = 0;
  for (size_t i = 0; i < count && !error; i++)
    error = write_all(descriptor, parts[i].bytes, parts[i].size);
  return error;
}

/// A device or pipe cannot be replaced by a rename; it takes the bytes as they come.
static int write_through(const char *path, const maas_sys_part *parts, size_t count) {
  int descriptor = open(path, O_WRONLY | O_CLOEXEC);
  if (descriptor < 0)
    return errno;
  int error = write_parts(descriptor, parts, count);
  close(descriptor);
  return error;
}

/// `old` tells of the file that is there already, whose permissions stay; NULL: there is none.
static int replace(const char *path, const struct stat *old, const maas_sys_part *parts, size_t count,
                   bool durable) {
  char temporary[PATH_MAX];
  int descriptor;
  int error = open_temporary(path, temporary, sizeof temporary, &descriptor);
  if (error)
    return error;
  error = old && fchmod(descriptor, old->st_mode & 0777) ? errno : write_parts(descriptor, parts, count);
  if (durable && !error && fsync(descriptor))
    error = errno;
  if (close(descriptor) && !error)
    error = errno;
  if (!error && rename(temporary, path))
    error = errno;
  if (error)
    unlink(temporary);
  return error;
}

/// Of a symbolic link, the file it leads to is replaced.
static int replace_existing(const char *path, const struct stat *old, const maas_sys_part *parts,
                            size_t count, bool durable) {
  if (access(path, W_OK))
    return errno;
  char *real = realpath(path, NULL);
  if (!real)
    return errno;
  int error = replace(real, old, parts, count, durable);
  free(real);
  return error;
}

int maas_sys_file_write_parts(const char *path, const maas_sys_part *parts, size_t count, bool durable) {
  struct stat status;
  if (stat(path, &status))
    return replace(path, NULL, parts, count, durable);
  if (S_ISDIR(status.st_mode))
    return EISDIR;
  return S_ISREG(status.st_mode) ? replace_existing(path, &status, parts, count, durable)
                                 : write_through(path, parts, count);
}

int maas_sys_file_write(const char *path, const void *bytes, size_t size) {
  maas_sys_part whole = {bytes, size};
  return maas_sys_file_write_parts(path, &whole, 1, false);
}

char *maas_sys_real_path(const char *path) {
  char *real = realpath(path, NULL);
  if (real == NULL)
    return NULL;
  size_t size = strlen(real) + 1;
  char *text = maas_sys_alloc(size, 1);
  maas_sys_copy(text, real, text ? size : 0);
  free(real);
  return text;
}

const char *maas_sys_error_text(int error) { return strerror(error); }

int maas_sys_print(int descriptor, const char *text, size_t size) {
  return write_all(descriptor, text, size);
}

const char *maas_sys_environment(const char *name) { return getenv(name); }
