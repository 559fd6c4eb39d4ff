/* A QEMU plugin that counts the guest's instructions and logs the count at marked addresses.
 *
 * Arguments: log=FILE, and NAME=ADDRESS for each mark. Whenever the instruction at a mark is about
 * to be executed, the line "NAME COUNT" goes into the log: the instructions executed before it
 * since the start.
 *
 * A block of instructions is counted as a whole when it is entered, which costs next to nothing; at
 * a mark the rest of the block, which has not been executed yet, is taken off again. A block is
 * left early only by an exception in its middle, and such a run ends there. */
#include "qemu_plugin.h"

#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MOST_MARKS = 16 };

QEMU_EXPORT int qemu_plugin_version = INTERFACE_VERSION;

static struct {
    const char *name;
    uint64_t address;
} marks[MOST_MARKS];
static int mark_count;
static int log_file = -1;
static uint64_t executed; /* at the end of the block that runs */

/* A mark in a translated block, and how many of the block's instructions are executed from it on.
 */
typedef struct {
    const char *name;
    uint64_t rest;
} place;

static void enter_block(unsigned int vcpu, void *size) {
    (void)vcpu;
    executed += (uintptr_t)size;
}

static void log_mark(unsigned int vcpu, void *userdata) {
    const place *at = userdata;
    (void)vcpu;
    dprintf(log_file, "%s %" PRIu64 "\n", at->name, executed - at->rest);
}

static void on_translation(qemu_plugin_id_t id, struct qemu_plugin_tb *block) {
    size_t size = qemu_plugin_tb_n_insns(block);
    (void)id;
    qemu_plugin_register_vcpu_tb_exec_cb(block, enter_block, QEMU_PLUGIN_CB_NO_REGS, (void *)size);
    for (size_t i = 0; i < size; ++i) {
        struct qemu_plugin_insn *instruction = qemu_plugin_tb_get_insn(block, i);
        uint64_t address = qemu_plugin_insn_vaddr(instruction);
        for (int mark = 0; mark < mark_count; ++mark) {
            if (marks[mark].address == address) {
                place *at = malloc(sizeof *at); /* QEMU may run the block until it ends */
                if (at == NULL) {
                    abort();
                }
                *at = (place){marks[mark].name, size - i};
                qemu_plugin_register_vcpu_insn_exec_cb(instruction, log_mark,
                                                       QEMU_PLUGIN_CB_NO_REGS, at);
            }
        }
    }
}

/* Waits until standard input closes, as it does when the process that started QEMU ends in whatever
 * way, and ends QEMU too, which has no option for it. */
static void *end_with_input(void *nothing) {
    char ignored[64];
    while (read(STDIN_FILENO, ignored, sizeof ignored) > 0) {
    }
    _exit(0);
    return nothing;
}

/* QEMU expects its signals in threads of its own. */
static bool watch_input(void) {
    sigset_t all, before;
    pthread_t thread;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&thread, NULL, end_with_input, NULL);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return error == 0 && pthread_detach(thread) == 0;
}

static bool take_argument(char *argument) {
    char *value = strchr(argument, '=');
    if (value == NULL) {
        return false;
    }
    *value++ = 0;
    if (strcmp(argument, "log") == 0) {
        log_file = open(value, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
        return log_file >= 0;
    }
    if (mark_count == MOST_MARKS) {
        return false;
    }
    marks[mark_count].name = strdup(argument);
    marks[mark_count++].address = strtoull(value, NULL, 0);
    return true;
}

QEMU_EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc,
                                    char **argv) {
    for (int i = 0; i < argc; ++i) {
        if (!take_argument(argv[i])) {
            fprintf(stderr, "count_instructions: cannot use the argument %s\n", argv[i]);
            return 1;
        }
    }
    if (!info->system_emulation || info->system.max_vcpus > 1) {
        /* The counter is one for all. */
        fprintf(stderr, "count_instructions: counts machines with one processor\n");
        return 1;
    }
    qemu_plugin_register_vcpu_tb_trans_cb(id, on_translation);
    return watch_input() ? 0 : 1;
}
