/* Preloaded into the processes of a tortured service: CLOCK_REALTIME is what the file $TORTURE_CLOCK says.
   The monotonic clock stays the machine's. tests/torture/clock.py writes the file and has its layout. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

struct face { _Atomic uint64_t turn; int64_t since, wall; double rate; };
static const struct face *face;

__attribute__((constructor)) static void open_clock(void) {
    const char *path = getenv("TORTURE_CLOCK");
    int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (fd < 0) return;
    void *found = mmap(0, sizeof *face, PROT_READ, MAP_SHARED, fd, 0);
    close(fd);
    if (found != MAP_FAILED) face = found;
}

static int64_t wall_ns(void) {
    struct timespec real;
    uint64_t turn;
    int64_t wall;
    do {  /* an odd turn is being written */
        while ((turn = face->turn) & 1);
        syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &real);
        int64_t passed = real.tv_sec * 1000000000LL + real.tv_nsec - face->since;
        wall = face->wall + (int64_t)(passed * face->rate);
    } while (face->turn != turn);
    return wall;
}

int clock_gettime(clockid_t id, struct timespec *out) {
    if (!face || (id != CLOCK_REALTIME && id != CLOCK_REALTIME_COARSE)) return syscall(SYS_clock_gettime, id, out);
    int64_t wall = wall_ns();
    out->tv_sec = wall / 1000000000LL;
    out->tv_nsec = wall % 1000000000LL;
    return 0;
}

int gettimeofday(struct timeval *out, void *zone) {
    struct timespec now;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &now);
    out->tv_sec = now.tv_sec;
    out->tv_usec = now.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *out) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (out) *out = now.tv_sec;
    return now.tv_sec;
}
