// Simulator of a synthesized board: its pins, a clock, and a host on TCP at the other end of the
// serial line. It runs until the host is gone, and then says how many cycles it simulated.

#include <csignal>
#include <cstdint>
#include <cstdio>
#include <memory>

#include "../uart_host.h"
#include "Vnetlist_board.h"
#include "verilated.h"

namespace {
constexpr uint64_t kExchangeInterval = 256;
constexpr uint64_t kResetCycles = 16;
// The host is silent while the firmware starts, which would lose what comes.
constexpr uint64_t kStartCycles = 200000;
} // namespace

int main(int argc, char **argv) {
    signal(SIGPIPE, SIG_IGN);
    const auto context = std::make_unique<VerilatedContext>();
    context->commandArgs(argc, argv);
    const auto board = std::make_unique<Vnetlist_board>(context.get());
    UartHost host(UartHost::Kind::kTcp, true);
    const std::string problem = host.open();
    if (!problem.empty()) {
        fprintf(stderr, "netlist-sim: %s\n", problem.c_str());
        return 2;
    }
    uint64_t cycle = 0;
    for (; !host.gone() && !board->stopped && !context->gotFinish(); cycle++) {
        board->reset = cycle < kResetCycles;
        board->send_valid = cycle >= kStartCycles && host.has_received();
        if (board->send_valid) {
            board->send_data = host.next_received();
            if (board->send_ready)
                host.pop_received();
        }
        if (board->receive_valid)
            host.send(board->receive_data);
        board->clock = 1;
        board->eval();
        board->clock = 0;
        board->eval();
        if (cycle % kExchangeInterval == 0)
            host.exchange(false);
    }
    host.exchange(false);
    fprintf(stderr, "%llu cycles\n", static_cast<unsigned long long>(cycle));
    const bool stopped = board->stopped;
    board->final();
    return stopped;
}
