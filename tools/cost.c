/* Runs a command and tells what it cost: processor microseconds (user and system) and peak memory in KiB, as one line
 * in a file. A small program does this because time(1) counts in hundredths of a second, and because a process that is
 * started by a large one inherits its peak.
 * cc -O2 cost.c; cost OUT COMMAND… */
#define _GNU_SOURCE
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv) {
    struct rusage used;
    int status;
    FILE *out;
    pid_t child;
    if (argc < 3) {
        fprintf(stderr, "usage: cost OUT COMMAND...\n");
        return 2;
    }
    child = fork();
    if (child == 0) {
        execvp(argv[2], argv + 2);
        perror(argv[2]);
        _exit(127);
    }
    if (child < 0 || wait4(child, &status, 0, &used) != child) {
        perror("cost");
        return 3;
    }
    out = fopen(argv[1], "w");
    if (out == NULL) {
        perror(argv[1]);
        return 3;
    }
    fprintf(out, "%lld %ld\n",
            (used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000000LL + used.ru_utime.tv_usec + used.ru_stime.tv_usec,
            used.ru_maxrss);
    fclose(out);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}
