// What the simulator's command line asks for.
#pragma once

#include <cstdint>
#include <string>

#include "nor_flash.h"
#include "uart_host.h"

constexpr int kExitUsage = 2;

struct Options {
    std::string image, trace, rvfi, stats, flash;
    uint64_t power_cut = 0;
    NorFlash::Cut cut = NorFlash::Cut::kBefore;
    UartHost::Kind uart = UartHost::Kind::kStdio;
    uint64_t uart_cycles = 8;
    uint64_t max_cycles = UINT64_MAX;
    bool exit_with_stdin = false;
};

// Ends the program because of wrong use or a bad file.
[[noreturn]] void fail(const std::string &problem);

// Ends the program when the command line is wrong, and after --help.
Options parse_options(int argc, char **argv);
