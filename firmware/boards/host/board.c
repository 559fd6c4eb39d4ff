/* The agent as an ordinary process: the line is stdin and stdout. It ends when its input ends. */
#define _POSIX_C_SOURCE 200809L

#include "board.h"

#include "smidgen_agent.h"

#include <poll.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#ifndef HOST_RAM_BYTES
#define HOST_RAM_BYTES (4u << 20)
#endif

static uint8_t ram[HOST_RAM_BYTES] __attribute__((aligned(16)));
static uint8_t input[4096];
static size_t input_at, input_end;
static uint8_t output[4096];
static size_t output_end;

void board_init(void) {}

/* Who asks wants to go on when nothing is there; who waits does not. */
static void receive(int wait_milliseconds) {
    struct pollfd watched = {STDIN_FILENO, POLLIN, 0};
    if (poll(&watched, 1, wait_milliseconds) == 0) {
        return;
    }
    ssize_t count = read(STDIN_FILENO, input, sizeof input);
    if (count <= 0) {
        exit(0);
    }
    input_at = 0;
    input_end = (size_t)count;
}

bool host_has_byte(void) {
    if (input_at == input_end) {
        receive(0);
    }
    return input_at < input_end;
}

uint8_t host_read(void) {
    return input[input_at++];
}

void board_wait(void) {
    receive(-1);
}

void host_write(uint8_t byte) {
    output[output_end++] = byte;
    if (output_end == sizeof output) {
        board_flush();
    }
}

void board_flush(void) {
    for (size_t sent = 0; sent < output_end;) {
        ssize_t count = write(STDOUT_FILENO, output + sent, output_end - sent);
        if (count <= 0) {
            exit(0);
        }
        sent += (size_t)count;
    }
    output_end = 0;
}

uint64_t board_cycles(void) {
    return 0;
}
uint64_t board_instructions(void) {
    return 0;
}
uint32_t board_clock_hz(void) {
    return 0;
}
uint64_t board_microseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000u + (uint64_t)now.tv_nsec / 1000u;
}

board_region board_free_ram(void) {
    return (board_region){ram, ram + sizeof ram};
}
board_region board_stack(void) {
    return (board_region){NULL, NULL};
}
uint32_t board_flash_bytes(void) {
    return 0;
}
uint32_t board_ram_bytes(void) {
    return 0;
}
void board_reset(void) {
    exit(0);
}
void board_exit(uint32_t code) {
    exit((int)code);
}

int main(void) {
    smidgen_agent_main();
}
