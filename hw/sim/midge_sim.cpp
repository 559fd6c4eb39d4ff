// Simulator of the Midge system: the Verilated hardware, a firmware image, and a host at the other
// end of the UART. Simulated time stands still while the core sleeps and nothing can wake it, and
// then this process sleeps too.

#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "Vsimulated_board.h"
#include "Vsimulated_board___024root.h"
#include "image.h"
#include "nor_flash.h"
#include "options.h"
#include "uart_host.h"
#include "verilated.h"
#if VM_TRACE
#include "verilated_vcd_c.h"
#endif

namespace {

constexpr int kExitCycleLimit = 124;
constexpr int kExitPowerCut = 125;
// How often the host is asked for bytes while the core is busy, in cycles (a power of two).
constexpr uint64_t kExchangeInterval = 1024;

volatile std::sig_atomic_t stop_signal = 0;
void on_signal(int) {
    stop_signal = 1;
}

// midge_package::rvfi_t, which is the record of --rvfi (docs/midge.md).
constexpr size_t kRvfiBytes = 44;
constexpr size_t kRvfiFlags = 9; // index of the word whose bit 0 says trap

class Simulation {
  public:
    explicit Simulation(const Options &options)
        : options_(options), soc_(&context_), host_(options.uart, options.exit_with_stdin),
          flash_(options.flash, options.power_cut, options.cut) {}

    int run();

  private:
    void load();
    void open_files();
    void reset();
    void step();
    void exchange_uart();
    void close_files(const char *reason, int code);

    const Options &options_;
    VerilatedContext context_;
    Vsimulated_board soc_;
    UartHost host_;
    NorFlash flash_;
    uint64_t cycle_ = 0;
    uint64_t instructions_ = 0;
    uint64_t next_receive_ = 0, next_send_ = 0;
    FILE *rvfi_ = nullptr;
#if VM_TRACE
    std::unique_ptr<VerilatedVcdC> trace_;
#endif
};

// The bytes of one lane of a block RAM.
#define LANE(memory, lane)                                                                         \
    top.simulated_board__DOT__soc__DOT__##memory##__DOT__g_lane__BRA__##lane##__KET____DOT__ram__DOT__bytes

void Simulation::load() {
    auto &top = *soc_.rootp;
    auto &external = top.simulated_board__DOT__g_external__DOT__chip__DOT__words;
    auto &spi = top.simulated_board__DOT__g_spi__DOT__chip__DOT__bytes;
    const auto bytes = reinterpret_cast<uint8_t *>(&external[0]);
    std::vector<Memory> memories = {
        {"program memory",
         0x00000000,
         4 * sizeof LANE(program_memory, 0),
         {&LANE(program_memory, 0)[0], &LANE(program_memory, 1)[0], &LANE(program_memory, 2)[0],
          &LANE(program_memory, 3)[0]},
         1},
        {"SRAM",
         0x10000000,
         4 * sizeof LANE(sram, 0),
         {&LANE(sram, 0)[0], &LANE(sram, 1)[0], &LANE(sram, 2)[0], &LANE(sram, 3)[0]},
         1},
    };
    // Where there is no chip, no_chip.sv stands for it, with a single word.
    if (sizeof external > sizeof(uint32_t))
        memories.push_back({"external memory",
                            0x80000000,
                            sizeof external,
                            {bytes, bytes + 1, bytes + 2, bytes + 3},
                            4});
    Memory flash = memories[0];
    const bool has_chip = sizeof spi > sizeof(uint8_t);
    if (has_chip) {
        flash = {"SPI flash", 0x40000000, sizeof spi, {&spi[0], &spi[1], &spi[2], &spi[3]}, 4};
        memories.push_back(flash);
    }
    if (has_chip || !options_.flash.empty())
        NorFlash::erase(flash);
    if (!options_.image.empty()) {
        const std::string problem =
            load_image(options_.image, memories.data(), static_cast<int>(memories.size()));
        if (!problem.empty())
            fail(options_.image + ": " + problem);
    } else if (has_chip) {
        fail("--image is missing: the SPI flash holds no program that the core starts with");
    }
    const std::string problem = flash_.open(flash);
    if (!problem.empty())
        fail(options_.flash + ": " + problem);
}

void Simulation::open_files() {
    if (!options_.rvfi.empty()) {
        rvfi_ = fopen(options_.rvfi.c_str(), "wb");
        if (!rvfi_)
            fail(options_.rvfi + ": " + strerror(errno));
        setvbuf(rvfi_, nullptr, _IOFBF, 1 << 20);
    }
#if VM_TRACE
    if (!options_.trace.empty()) {
        context_.traceEverOn(true);
        trace_ = std::make_unique<VerilatedVcdC>();
        soc_.trace(trace_.get(), 99);
        trace_->open(options_.trace.c_str());
        if (!trace_->isOpen())
            fail(options_.trace + ": cannot be written");
    }
#endif
}

inline void Simulation::step() {
    soc_.clock = 1;
    soc_.eval();
#if VM_TRACE
    if (trace_)
        trace_->dump(cycle_ * 2);
#endif
    soc_.clock = 0;
    soc_.eval();
#if VM_TRACE
    if (trace_)
        trace_->dump(cycle_ * 2 + 1);
#endif
    cycle_++;
}

void Simulation::reset() {
    soc_.reset = 1;
    for (int i = 0; i < 4; i++)
        step();
    soc_.reset = 0;
    soc_.eval();
    cycle_ = 0;
}

// Sets the byte stream's inputs for the coming cycle; both sides are known to transfer at its clock
// edge.
inline void Simulation::exchange_uart() {
    const bool may_send = cycle_ >= next_send_;
    soc_.send_ready = may_send;
    if (soc_.send_valid && may_send) {
        host_.send(soc_.send_data);
        next_send_ = cycle_ + options_.uart_cycles;
    }
    const bool receives = host_.has_received() && cycle_ >= next_receive_;
    soc_.receive_valid = receives;
    if (receives) {
        soc_.receive_data = host_.next_received();
        if (soc_.receive_ready) {
            host_.pop_received();
            next_receive_ = cycle_ + options_.uart_cycles;
        }
    }
}

void Simulation::close_files(const char *reason, int code) {
    if (rvfi_ && fclose(rvfi_) != 0)
        fail(options_.rvfi + ": " + strerror(errno));
#if VM_TRACE
    if (trace_)
        trace_->close();
#endif
    if (options_.stats.empty())
        return;
    FILE *file = fopen(options_.stats.c_str(), "w");
    if (!file)
        fail(options_.stats + ": " + strerror(errno));
    fprintf(file,
            "{\"cycles\": %llu, \"instructions\": %llu, \"flash_operations\": %llu, "
            "\"ended\": \"%s\", \"exit_code\": %d}\n",
            static_cast<unsigned long long>(cycle_), static_cast<unsigned long long>(instructions_),
            static_cast<unsigned long long>(flash_.operations()), reason, code);
    fclose(file);
}

int Simulation::run() {
    load();
    const std::string problem = host_.open();
    if (!problem.empty())
        fail(problem);
    open_files();
    reset();

    const char *reason = "signal";
    int code = 0;
    while (!stop_signal) {
        exchange_uart();
        step();
        if (soc_.rvfi_valid) {
            instructions_ += !(soc_.rvfi[kRvfiFlags] & 1);
            if (rvfi_)
                fwrite(&soc_.rvfi[0], kRvfiBytes, 1, rvfi_);
        }
        if (soc_.exit) {
            reason = "exit";
            code = static_cast<int>(soc_.exit_code & 0xff);
            break;
        }
        if (flash_.observe(soc_.flash_busy, soc_.flash_address)) {
            reason = "power-cut";
            code = kExitPowerCut;
            break;
        }
        if (cycle_ >= options_.max_cycles) {
            reason = "max-cycles";
            code = kExitCycleLimit;
            break;
        }
        const bool idle = soc_.asleep && !soc_.timer_wakes && !soc_.npu_busy &&
                          !host_.has_received() && !soc_.send_valid;
        if (idle || cycle_ % kExchangeInterval == 0) {
            // A host that is gone ends the simulation; with stdio, once the program has nothing
            // left to do.
            if (host_.gone() && (idle || options_.uart != UartHost::Kind::kStdio)) {
                reason = "host";
                break;
            }
            host_.exchange(idle);
        }
    }
    host_.exchange(false);
    close_files(reason, code);
    if (code == kExitCycleLimit && !strcmp(reason, "max-cycles"))
        fprintf(stderr, "midge-sim: stopped after %llu cycles (--max-cycles)\n",
                static_cast<unsigned long long>(cycle_));
    soc_.final();
    return code;
}

} // namespace

int main(int argc, char **argv) {
    const Options options = parse_options(argc, argv);
    signal(SIGPIPE, SIG_IGN);
    struct sigaction action = {};
    action.sa_handler = on_signal;
    sigaction(SIGINT, &action, nullptr);
    sigaction(SIGTERM, &action, nullptr);
    sigset_t blocked; // UartHost lets them in
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGINT);
    sigaddset(&blocked, SIGTERM);
    sigprocmask(SIG_BLOCK, &blocked, nullptr);
    Simulation simulation(options);
    return simulation.run();
}
