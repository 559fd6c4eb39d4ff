// A SoC of LiteX (litex_soc.py), whose bus a program reads and writes by commands on standard
// input.
//
//   read ADDRESS            answers with the word
//   write ADDRESS VALUE     answers with 0
//
// Answers are words of 32 bits, little-endian. An access that is not answered, or with an error,
// ends the program with status 1.
#include <cstdint>
#include <cstdio>
#include <cstring>

#include "Vsoc.h"
#include "verilated.h"

namespace {

constexpr int LONGEST = 10000; // cycles of an access

Vsoc top;

void cycle() {
    top.clk = 1;
    top.eval();
    top.clk = 0;
    top.eval();
}

bool access(uint32_t address, bool write, uint32_t &word) {
    top.program_adr = address >> 2;
    top.program_we = write;
    top.program_dat_w = word;
    top.program_sel = 15;
    top.program_cyc = top.program_stb = 1;
    for (int n = 0; n < LONGEST; n++) {
        top.eval();
        bool answered = top.program_ack, failed = top.program_err;
        word = top.program_dat_r;
        cycle();
        if (answered || failed) {
            top.program_cyc = top.program_stb = 0;
            cycle();
            return !failed;
        }
    }
    return false;
}

} // namespace

int main() {
    top.rst = 1;
    for (int n = 0; n < 10; n++)
        cycle();
    top.rst = 0;
    char line[80], command[8];
    while (fgets(line, sizeof line, stdin)) {
        uint32_t address, word = 0;
        sscanf(line, "%7s %u %u", command, &address, &word);
        if (!access(address, strcmp(command, "write") == 0, word)) {
            fprintf(stderr, "no answer at 0x%08x\n", address);
            return 1;
        }
        fwrite(&word, 4, 1, stdout);
        fflush(stdout);
    }
    return 0;
}
