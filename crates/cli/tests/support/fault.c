/* Lets writing fail, in a program and in those that it starts (LD_PRELOAD; glibc).
 *
 * FAULT_UNDER    the folder below which writing may fail
 * FAULT_COUNTER  a file of eight bytes: the number of operations so far, in all processes together
 * FAULT_AT       the number of the first operation that fails, from 1; all later ones fail as well; 0: none does
 * FAULT_ERRNO    its errno; 0 kills the process instead, ffmpeg also where it writes to standard output
 * FAULT_ONLY     "names": only operations on names count (open, mkdir, rename); "ffmpeg": only those of ffmpeg
 *
 * Counted are those that change what is on the disk. Removing is not: programs must be able to tidy up.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

#define FILES 65536

static const char *under;
static uint64_t *counter;
static uint64_t at;
static int cause, names_only, applies;
static unsigned char watched[FILES];

#define REAL(type, name, ...) \
    static type (*real)(__VA_ARGS__); \
    if (!real) real = (type (*)(__VA_ARGS__))dlsym(RTLD_NEXT, #name)

__attribute__((constructor)) static void begin(void) {
    const char *only = getenv("FAULT_ONLY"), *file = getenv("FAULT_COUNTER");
    const char *first = getenv("FAULT_AT"), *number = getenv("FAULT_ERRNO");
    under = getenv("FAULT_UNDER");
    if (!under || !file || !first || !number) return;
    at = strtoull(first, NULL, 10);
    cause = atoi(number);
    names_only = only && !strcmp(only, "names");
    applies = !(only && !strcmp(only, "ffmpeg")) || !strcmp(program_invocation_short_name, "ffmpeg");
    /* A process that is to be killed may be killed while it delivers, too. */
    watched[1] = applies && !cause && only && !strcmp(only, "ffmpeg");
    int (*real_open)(const char *, int, ...) = dlsym(RTLD_NEXT, "open");
    int fd = real_open(file, O_RDWR | O_CLOEXEC);
    if (fd < 0) return;
    void *map = mmap(NULL, 8, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (map != MAP_FAILED) counter = map;
    int (*real_close)(int) = dlsym(RTLD_NEXT, "close");
    real_close(fd);
}

static int is_under(const char *path) {
    return path && under && !strncmp(path, under, strlen(under));
}

/* True if this operation is to fail; errno is set then. */
static int fails(int is_name) {
    if (!counter || !applies || (names_only && !is_name)) return 0;
    uint64_t number = __atomic_add_fetch(counter, 1, __ATOMIC_SEQ_CST);
    if (!at || number < at) return 0;
    if (!cause) raise(SIGKILL);
    errno = cause;
    return 1;
}

static int is_watched(int fd) {
    return fd >= 0 && fd < FILES && watched[fd];
}

static int opens_to_write(int flags) {
    return (flags & O_ACCMODE) != O_RDONLY || flags & O_CREAT;
}

static int watch(int fd, int yes) {
    if (fd >= 0 && fd < FILES) watched[fd] = yes;
    return fd;
}

#define OPEN(name) \
    int name(const char *path, int flags, ...) { \
        REAL(int, name, const char *, int, ...); \
        va_list list; \
        va_start(list, flags); \
        mode_t mode = va_arg(list, mode_t); \
        va_end(list); \
        int counts = is_under(path) && opens_to_write(flags); \
        if (counts && fails(1)) return -1; \
        return watch(real(path, flags, mode), counts); \
    }

#define OPENAT(name) \
    int name(int folder, const char *path, int flags, ...) { \
        REAL(int, name, int, const char *, int, ...); \
        va_list list; \
        va_start(list, flags); \
        mode_t mode = va_arg(list, mode_t); \
        va_end(list); \
        int counts = is_under(path) && opens_to_write(flags); \
        if (counts && fails(1)) return -1; \
        return watch(real(folder, path, flags, mode), counts); \
    }

OPEN(open)
OPEN(open64)
OPENAT(openat)
OPENAT(openat64)

FILE *fopen64(const char *path, const char *mode) {
    REAL(FILE *, fopen64, const char *, const char *);
    int counts = is_under(path) && mode[0] != 'r';
    if (counts && fails(1)) return NULL;
    FILE *file = real(path, mode);
    if (file) watch(fileno(file), counts);
    return file;
}

int close(int fd) {
    REAL(int, close, int);
    watch(fd, 0);
    return real(fd);
}

#define ON_FILE(type, name, parameters, fd, ...) \
    type name parameters { \
        static type (*real) parameters; \
        if (!real) real = (type (*) parameters)dlsym(RTLD_NEXT, #name); \
        if (is_watched(fd) && fails(0)) return -1; \
        return real(__VA_ARGS__); \
    }

ON_FILE(ssize_t, write, (int fd, const void *data, size_t n), fd, fd, data, n)
ON_FILE(ssize_t, writev, (int fd, const struct iovec *parts, int n), fd, fd, parts, n)
ON_FILE(ssize_t, pwrite, (int fd, const void *data, size_t n, off_t place), fd, fd, data, n, place)
ON_FILE(ssize_t, pwrite64, (int fd, const void *data, size_t n, off64_t place), fd, fd, data, n, place)
ON_FILE(int, fsync, (int fd), fd, fd)
ON_FILE(int, fdatasync, (int fd), fd, fd)
ON_FILE(int, ftruncate, (int fd, off_t n), fd, fd, n)
ON_FILE(int, ftruncate64, (int fd, off64_t n), fd, fd, n)
ON_FILE(ssize_t, copy_file_range,
        (int from, off64_t *a, int to, off64_t *b, size_t n, unsigned flags), to, from, a, to, b, n, flags)

int rename(const char *from, const char *to) {
    REAL(int, rename, const char *, const char *);
    if (is_under(to) && fails(1)) return -1;
    return real(from, to);
}

int mkdir(const char *path, mode_t mode) {
    REAL(int, mkdir, const char *, mode_t);
    if (is_under(path) && fails(1)) return -1;
    return real(path, mode);
}
