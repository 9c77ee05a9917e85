/*
 * Loaded in front of libc, it keeps a log of what a process does to the files of one folder: every write,
 * flush, truncation, creation and removal, in the order in which the kernel was asked. From the log a test
 * can rebuild what a disk may hold after a loss of power at any moment.
 *
 * LIMINAL_WRITE_LOG_FOLDER is the folder, LIMINAL_WRITE_LOG the log. A record is
 *   u32 kind, u32 length of the path, u64 offset or size, u64 length of the data, path, data
 * in the byte order of the machine. A test knows the kinds by their numbers below.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

enum { WRITE = 1, FLUSH = 2, TRUNCATE = 3, CREATE = 4, REMOVE = 5, RENAME = 6 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char folder[PATH_MAX];
static int log_fd = -1;

__attribute__((constructor)) static void start(void) {
  const char *name = getenv("LIMINAL_WRITE_LOG_FOLDER");
  const char *log = getenv("LIMINAL_WRITE_LOG");
  if (!name || !log) return;
  snprintf(folder, sizeof folder, "%s", name);
  log_fd = (int)syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

static void put(uint32_t kind, const char *path, uint64_t offset, const void *data, uint64_t length) {
  uint32_t path_length = (uint32_t)strlen(path);
  struct iovec parts[] = {
      {&kind, 4}, {&path_length, 4}, {&offset, 8}, {&length, 8}, {(void *)path, path_length}, {(void *)data, length}};
  syscall(SYS_writev, log_fd, parts, 6);
}

/* Whether it is the folder, or in it. */
static int is_watched(const char *path) {
  size_t length = strlen(folder);
  return log_fd >= 0 && strncmp(path, folder, length) == 0 && (path[length] == '/' || path[length] == 0);
}

/* The path of an open file of the folder; 0 where it is another one. */
static int find_path(int fd, char *path) {
  char link[64];
  if (log_fd < 0) return 0;
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, PATH_MAX - 1);
  if (length <= 0) return 0;
  path[length] = 0;
  return is_watched(path);
}

#define REAL(type, name, ...)                   \
  static type (*real)(__VA_ARGS__);             \
  if (!real) real = dlsym(RTLD_NEXT, name)

/* The record is made under the lock that the call holds too, so that the log has the order of the calls. */
#define LOGGED(call, kind, offset, data)                          \
  char path[PATH_MAX];                                            \
  if (!find_path(fd, path)) return call;                          \
  pthread_mutex_lock(&lock);                                      \
  ssize_t result = call;                                          \
  if (result >= 0) put(kind, path, (uint64_t)(offset), data, (data) ? (uint64_t)result : 0); \
  pthread_mutex_unlock(&lock);                                    \
  return result

ssize_t pwrite64(int fd, const void *data, size_t length, off64_t offset) {
  REAL(ssize_t, "pwrite64", int, const void *, size_t, off64_t);
  LOGGED(real(fd, data, length, offset), WRITE, offset, data);
}

ssize_t pwrite(int fd, const void *data, size_t length, off_t offset) {
  return pwrite64(fd, data, length, offset);
}

ssize_t write(int fd, const void *data, size_t length) {
  REAL(ssize_t, "write", int, const void *, size_t);
  LOGGED(real(fd, data, length), WRITE, lseek(fd, 0, SEEK_CUR) - result, data);
}

int fsync(int fd) {
  REAL(int, "fsync", int);
  LOGGED(real(fd), FLUSH, 0, NULL);
}

int fdatasync(int fd) {
  REAL(int, "fdatasync", int);
  LOGGED(real(fd), FLUSH, 0, NULL);
}

int ftruncate64(int fd, off64_t size) {
  REAL(int, "ftruncate64", int, off64_t);
  LOGGED(real(fd, size), TRUNCATE, size, NULL);
}

int ftruncate(int fd, off_t size) {
  return ftruncate64(fd, size);
}

int unlink(const char *name) {
  REAL(int, "unlink", const char *);
  if (!is_watched(name)) return real(name);
  pthread_mutex_lock(&lock);
  int result = real(name);
  if (result == 0) put(REMOVE, name, 0, NULL, 0);
  pthread_mutex_unlock(&lock);
  return result;
}

int rename(const char *from, const char *to) {
  REAL(int, "rename", const char *, const char *);
  if (!is_watched(from)) return real(from, to);
  pthread_mutex_lock(&lock);
  int result = real(from, to);
  if (result == 0) put(RENAME, from, 0, to, strlen(to));
  pthread_mutex_unlock(&lock);
  return result;
}

int open64(const char *name, int flags, ...) {
  REAL(int, "open64", const char *, int, ...);
  va_list rest;
  va_start(rest, flags);
  mode_t mode = (flags & O_CREAT) ? va_arg(rest, mode_t) : 0;
  va_end(rest);
  if (!(flags & O_CREAT) || !is_watched(name)) return real(name, flags, mode);
  pthread_mutex_lock(&lock);
  struct stat before;
  int existed = stat(name, &before) == 0;
  int fd = real(name, flags, mode);
  if (fd >= 0 && !existed) put(CREATE, name, 0, NULL, 0);
  pthread_mutex_unlock(&lock);
  return fd;
}

int open(const char *name, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  mode_t mode = (flags & O_CREAT) ? va_arg(rest, mode_t) : 0;
  va_end(rest);
  return open64(name, flags, mode);
}
