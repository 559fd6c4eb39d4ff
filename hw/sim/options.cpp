#include "options.h"

#include <getopt.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

const char kUsage[] =
    "usage: midge-sim --image FILE.elf|FILE.bin [options]\n"
    "  --uart stdio|pty|tcp   where the UART goes (default stdio); pty and tcp print `uart: PORT` "
    "first\n"
    "  --uart-cycles N        cycles per byte, each way (default 8)\n"
    "  --max-cycles N         give up after N cycles, with exit code 124\n"
    "  --trace FILE.vcd       write a waveform (builds with tracing only)\n"
    "  --rvfi FILE            write a 44-byte record of every instruction (docs/midge.md)\n"
    "  --stats FILE.json      write cycles, instructions and why the simulation ended\n"
    "  --flash FILE           what is in the flash, kept; made from the image when it is not "
    "there. "
    "Flash is the\n"
    "                         SPI flash chip, otherwise program memory that is NOR flash (then "
    "FILE is enough\n"
    "                         without --image)\n"
    "  --power-cut N:WHEN     end with code 125 before, inside or after the Nth operation on the "
    "flash\n"
    "  --exit-with-stdin      with pty or tcp: end when standard input ends\n"
    "The exit code is what the firmware writes to the EXIT register (its low 8 bits).\n";

uint64_t parse_count(const char *option, const char *text) {
    char *end;
    errno = 0;
    const unsigned long long value = strtoull(text, &end, 0);
    if (errno || end == text || *end || *text == '-' || value == 0)
        fail(std::string("--") + option + ": not a positive number: " + text);
    return value;
}

void parse_power_cut(const char *text, Options &options) {
    const char *when = strchr(text, ':');
    if (!when)
        fail(std::string("--power-cut: N:before, N:inside or N:after, not ") + text);
    options.power_cut = parse_count("power-cut", std::string(text, when).c_str());
    if (!strcmp(when, ":inside"))
        options.cut = NorFlash::Cut::kInside;
    else if (!strcmp(when, ":after"))
        options.cut = NorFlash::Cut::kAfter;
    else if (strcmp(when, ":before"))
        fail(std::string("--power-cut: before, inside or after, not ") + (when + 1));
}

} // namespace

void fail(const std::string &problem) {
    fprintf(stderr, "midge-sim: %s\n", problem.c_str());
    exit(kExitUsage);
}

Options parse_options(int argc, char **argv) {
    static const option kOptions[] = {
        {"image", required_argument, nullptr, 'i'},
        {"uart", required_argument, nullptr, 'u'},
        {"uart-cycles", required_argument, nullptr, 'b'},
        {"max-cycles", required_argument, nullptr, 'm'},
        {"trace", required_argument, nullptr, 't'},
        {"rvfi", required_argument, nullptr, 'r'},
        {"stats", required_argument, nullptr, 's'},
        {"flash", required_argument, nullptr, 'f'},
        {"power-cut", required_argument, nullptr, 'p'},
        {"exit-with-stdin", no_argument, nullptr, 'e'},
        {"help", no_argument, nullptr, 'h'},
        {nullptr, 0, nullptr, 0},
    };
    Options options;
    int choice;
    while ((choice = getopt_long(argc, argv, "", kOptions, nullptr)) != -1) {
        switch (choice) {
        case 'i':
            options.image = optarg;
            break;
        case 'u':
            if (!strcmp(optarg, "stdio"))
                options.uart = UartHost::Kind::kStdio;
            else if (!strcmp(optarg, "pty"))
                options.uart = UartHost::Kind::kPty;
            else if (!strcmp(optarg, "tcp"))
                options.uart = UartHost::Kind::kTcp;
            else
                fail(std::string("--uart: stdio, pty or tcp, not ") + optarg);
            break;
        case 'b':
            options.uart_cycles = parse_count("uart-cycles", optarg);
            break;
        case 'm':
            options.max_cycles = parse_count("max-cycles", optarg);
            break;
        case 't':
            options.trace = optarg;
            break;
        case 'r':
            options.rvfi = optarg;
            break;
        case 's':
            options.stats = optarg;
            break;
        case 'f':
            options.flash = optarg;
            break;
        case 'p':
            parse_power_cut(optarg, options);
            break;
        case 'e':
            options.exit_with_stdin = true;
            break;
        case 'h':
            fputs(kUsage, stdout);
            exit(0);
        default:
            fputs(kUsage, stderr);
            exit(kExitUsage);
        }
    }
    if (optind < argc)
        fail(std::string("unexpected argument: ") + argv[optind]);
    if (options.image.empty() && access(options.flash.c_str(), F_OK) != 0)
        fail("--image is missing (--help lists the options)");
#if !VM_TRACE
    if (!options.trace.empty())
        fail("--trace: this simulator was built without tracing (make -C hw sim TRACE=1)");
#endif
    return options;
}
